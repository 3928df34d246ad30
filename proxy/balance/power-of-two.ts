// Power of two choices (Mitzenmacher 2001): two at random, the one with the lower load wins. Load is the peak-sensitive
// moving average of the latency (peak EWMA, as in Finagle) times what is in flight: near best of all, at the cost of
// two looks.

import type { Random } from '../../src/core/random.js';
import type { Upstream } from '../upstream.js';
import type { BalanceContext, Balancer, ObservedRequest } from './balancer.js';

/** A latency of this age weighs a third of what it did. */
const MEMORY_MS = 10_000;

export class PowerOfTwo implements Balancer {
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  pick(candidates: readonly Upstream[], _context: BalanceContext, now: number): Upstream {
    const first = this.#index(candidates.length);
    if (candidates.length === 1) return candidates[first]!;
    const offset = 1 + this.#index(candidates.length - 1);
    const a = candidates[first]!;
    const b = candidates[(first + offset) % candidates.length]!;
    return load(b, now) < load(a, now) ? b : a;
  }

  /** A peak counts at once and wears off slowly. */
  observe(upstream: Upstream, { durationMs, now }: ObservedRequest): void {
    const kept = keptOf(upstream, now);
    upstream.latencyMs =
      durationMs > upstream.latencyMs ? durationMs : upstream.latencyMs * kept + durationMs * (1 - kept);
    upstream.latencyAt = now;
  }

  #index(count: number): number {
    return Math.floor(this.#random() * count);
  }
}

/** The share of what was measured that still counts. */
function keptOf({ latencyAt }: Upstream, now: number): number {
  return Math.exp((latencyAt - now) / MEMORY_MS);
}

/**
 * An upstream that was never measured counts as fast, so that it gets measured; and so does, in time, one that is not picked
 * any more because it was slow once.
 */
function load(upstream: Upstream, now: number): number {
  return (upstream.latencyMs * keptOf(upstream, now) + 0.1) * (upstream.inflight + 1);
}
