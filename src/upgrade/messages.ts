// What the two instances of an upgrade say to each other over their IPC channel, in this order:
//   successor: ready (it has adopted the workers)       -> predecessor: yours (the lock names the successor, the admin addresses are free; its token)
//   successor: holding (it has the lock and the admin)  -> predecessor: front (with the listening server)
//   successor: done (it accepts)                        -> predecessor finishes what it has in flight and ends
// At any point the successor may say failed, or end: then the predecessor goes on. The front comes last, so that a
// successor which fails has accepted nothing that could be lost with it. The front's Unix socket, where there is one, needs no
// message: the successor has it as a descriptor from its start, and listens on it once it has the front.
// Until the predecessor ends, the successor's orders to its own traffic are the predecessor's too (shared-traffic.ts); a version
// that knows nothing of that closes the channel instead.

import type { AbortOptions, UpstreamIdentity, UpstreamTarget } from '../core/traffic-port.js';

export type Milestone = 'ready' | 'holding' | 'done';

export type SuccessorMessage =
  { readonly kind: Milestone } | { readonly kind: 'failed'; readonly reason: string } | TrafficOrder;

export type TrafficOrder =
  | { readonly kind: 'targets'; readonly targets: readonly UpstreamTarget[] }
  /** To be answered by `idle` with the same key. */
  | { readonly kind: 'await-idle'; readonly key: number; readonly upstream: UpstreamIdentity }
  | { readonly kind: 'abort'; readonly upstream: UpstreamIdentity; readonly options: AbortOptions };

export interface TrafficNews {
  readonly kind: 'idle';
  readonly key: number;
}

export type PredecessorMessage = Handover | TrafficNews;

export interface Handover {
  readonly kind: 'yours' | 'front';
  /** With `yours`: what a change over TCP must carry, so that whoever has it can go on. An older version tells none. */
  readonly token?: string;
}
