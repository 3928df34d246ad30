// Weighted round robin, smooth: each turn everyone earns its weight, the richest is picked and pays the total back, so
// that a heavy upstream's turns are spread out instead of bunched (the scheme nginx made known).

import type { Upstream } from '../upstream.js';
import type { Balancer } from './balancer.js';

export class RoundRobin implements Balancer {
  readonly #credit = new WeakMap<Upstream, number>();

  pick(candidates: readonly Upstream[]): Upstream {
    let total = 0;
    let best = candidates[0]!;
    let bestCredit = Number.NEGATIVE_INFINITY;
    for (const candidate of candidates) {
      const weight = candidate.target.weight;
      const credit = (this.#credit.get(candidate) ?? 0) + weight;
      this.#credit.set(candidate, credit);
      total += weight;
      if (credit <= bestCredit) continue;
      best = candidate;
      bestCredit = credit;
    }
    this.#credit.set(best, bestCredit - total);
    return best;
  }
}
