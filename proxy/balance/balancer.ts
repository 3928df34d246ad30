// What every balancing policy is: a choice among upstreams that can all take the request. It never looks at health.

import type { Upstream } from '../upstream.js';

export interface BalanceContext {
  /** What `hash` hashes: the value of the header, cookie or address it is set to. */
  readonly affinityKey: string;
}

export interface ObservedRequest {
  readonly durationMs: number;
  readonly now: number;
}

export interface Balancer {
  /** `candidates` has at least one, and is not to be kept. `now`: by the proxy's clock. */
  pick(candidates: readonly Upstream[], context: BalanceContext, now: number): Upstream;
  /** For policies that go by latency: a request that was served to its end. */
  observe?(upstream: Upstream, request: ObservedRequest): void;
}
