// A clock that moves only when a test says so. Timers fire in the order of their deadlines, each in its own turn of
// time: what a callback starts may fire within the same advance.
import type { Clock, Timer } from '../../src/core/clock.js';

interface Pending {
  readonly atMs: number;
  readonly order: number;
  readonly callback: () => void;
}

export class ManualClock implements Clock {
  #nowMs = 1_000;
  #order = 0;
  readonly #timers = new Set<Pending>();

  now(): number {
    return this.#nowMs;
  }

  epochNow(): number {
    return 1_700_000_000_000 + this.#nowMs;
  }

  startTimer(delayMs: number, callback: () => void): Timer {
    const timer = { atMs: this.#nowMs + delayMs, order: this.#order++, callback };
    this.#timers.add(timer);
    return { cancel: () => void this.#timers.delete(timer) };
  }

  get pendingTimers(): number {
    return this.#timers.size;
  }

  /** Lets that much time pass. */
  advance(ms: number): void {
    const untilMs = this.#nowMs + ms;
    for (let next = this.#earliest(); next !== undefined && next.atMs <= untilMs; next = this.#earliest()) {
      this.#timers.delete(next);
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.callback();
    }
    this.#nowMs = untilMs;
  }

  #earliest(): Pending | undefined {
    const sorted = [...this.#timers].sort((a, b) => a.atMs - b.atMs || a.order - b.order);
    return sorted[0];
  }
}
