// What the two instances of an upgrade say to each other over their IPC channel, in this order:
//   successor: ready (it has adopted the workers)       -> predecessor: yours (the lock and the admin addresses are free; its token)
//   successor: holding (it has the lock and the admin)  -> predecessor: front (with the listening server)
//   successor: done (it accepts)                        -> predecessor finishes what it has in flight and ends
// At any point the successor may say failed, or end: then the predecessor goes on. The front comes last, so that a
// successor which fails has accepted nothing that could be lost with it. The front's Unix socket, where there is one, needs no
// message: the successor has it as a descriptor from its start, and listens on it once it has the front.

export type Milestone = 'ready' | 'holding' | 'done';

export type SuccessorMessage = { readonly kind: Milestone } | { readonly kind: 'failed'; readonly reason: string };

export interface PredecessorMessage {
  readonly kind: 'yours' | 'front';
  /** With `yours`: what a change over TCP must carry, so that whoever has it can go on. An older version tells none. */
  readonly token?: string;
}
