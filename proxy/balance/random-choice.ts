// Any one, by weight.

import type { Random } from '../../src/core/random.js';
import type { Upstream } from '../upstream.js';
import type { Balancer } from './balancer.js';

export class RandomChoice implements Balancer {
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  pick(candidates: readonly Upstream[]): Upstream {
    const total = candidates.reduce((sum, candidate) => sum + candidate.target.weight, 0);
    let left = this.#random() * total;
    for (const candidate of candidates) {
      left -= candidate.target.weight;
      if (left < 0) return candidate;
    }
    return candidates[candidates.length - 1]!;
  }
}
