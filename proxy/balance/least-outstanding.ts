// Fewest requests in flight; ties go in turn, so that an idle pool is used evenly.

import type { Upstream } from '../upstream.js';
import type { Balancer } from './balancer.js';

export class LeastOutstanding implements Balancer {
  #turn = 0;

  pick(candidates: readonly Upstream[]): Upstream {
    const count = candidates.length;
    const start = this.#turn % count;
    let best = candidates[start]!;
    for (let step = 1; step < count; step += 1) {
      const candidate = candidates[(start + step) % count]!;
      if (candidate.inflight < best.inflight) best = candidate;
    }
    this.#turn = (this.#turn + 1) % 0x3fffffff;
    return best;
  }
}
