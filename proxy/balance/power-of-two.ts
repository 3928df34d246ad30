// Power of two choices (Mitzenmacher 2001): two at random, the one with the lower load wins. Load is the peak-sensitive
// moving average of the latency (peak EWMA, as in Finagle) times what is in flight: near best of all, at the cost of
// two looks.

import type { Random } from '../../src/core/random.js';
import type { Upstream } from '../upstream.js';
import type { Balancer, ObservedRequest } from './balancer.js';

/** A latency of this age weighs a third of what it did. */
const MEMORY_MS = 10_000;

export class PowerOfTwo implements Balancer {
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  pick(candidates: readonly Upstream[]): Upstream {
    const first = this.#index(candidates.length);
    if (candidates.length === 1) return candidates[first]!;
    const offset = 1 + this.#index(candidates.length - 1);
    const a = candidates[first]!;
    const b = candidates[(first + offset) % candidates.length]!;
    return load(b) < load(a) ? b : a;
  }

  /** A peak counts at once and wears off slowly. */
  observe(upstream: Upstream, { durationMs, now }: ObservedRequest): void {
    const kept = Math.exp((upstream.latencyAt - now) / MEMORY_MS);
    upstream.latencyMs =
      durationMs > upstream.latencyMs ? durationMs : upstream.latencyMs * kept + durationMs * (1 - kept);
    upstream.latencyAt = now;
  }

  #index(count: number): number {
    return Math.floor(this.#random() * count);
  }
}

/** An upstream that was never measured counts as fast, so that it gets measured. */
function load(upstream: Upstream): number {
  return (upstream.latencyMs + 0.1) * (upstream.inflight + 1);
}
