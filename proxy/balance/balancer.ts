// What every balancing policy is: a choice among upstreams that can all take the request. It never looks at health.

import type { Upstream } from '../upstream.js';

export interface BalanceContext {
  /** What `hash` hashes: the value of the header, cookie or address it is set to. */
  readonly affinityKey: string;
}

export interface Balancer {
  /** `candidates` has at least one. */
  pick(candidates: readonly Upstream[], context: BalanceContext): Upstream;
}
