// What the two instances of an upgrade say to each other over their IPC channel, in this order:
//   successor: ready (it has adopted the workers) -> predecessor: front (with the listening server)
//   successor: serving (it accepts)               -> predecessor: yours (the lock and the admin addresses are free)
//   successor: done                               -> predecessor finishes what it has in flight and ends
// At any point the successor may say failed, or end: then the predecessor goes on.

export type SuccessorMessage =
  { readonly kind: 'ready' | 'serving' | 'done' } | { readonly kind: 'failed'; readonly reason: string };

export interface PredecessorMessage {
  readonly kind: 'front' | 'yours';
}
