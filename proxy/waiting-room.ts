// Where requests wait when nobody can take them: first come, first served, bounded, with a deadline. Leaving is free at
// any time. It does not know upstreams: the dispatcher offers it tickets.

import type { Clock, Timer } from '../src/core/clock.js';

export interface WaitingRoomOptions {
  readonly capacity: number;
  readonly deadlineMs: number;
}

export class WaitingRoom<Waiter> {
  readonly #options: WaitingRoomOptions;
  readonly #clock: Clock;
  readonly #onDeadline: (waiter: Waiter) => void;
  /** In order of arrival, which is the order of their deadlines too: one timer serves all. */
  readonly #deadlines = new Map<Waiter, number>();
  #timer: Timer | undefined;

  constructor(options: WaitingRoomOptions, clock: Clock, onDeadline: (waiter: Waiter) => void) {
    this.#options = options;
    this.#clock = clock;
    this.#onDeadline = onDeadline;
  }

  get size(): number {
    return this.#deadlines.size;
  }

  /** False when it is full. */
  tryEnter(waiter: Waiter): boolean {
    if (this.#deadlines.size >= this.#options.capacity) return false;
    this.#deadlines.set(waiter, this.#clock.now() + this.#options.deadlineMs);
    this.#timer ??= this.#startTimer(this.#options.deadlineMs);
    return true;
  }

  /** Idempotent. */
  leave(waiter: Waiter): void {
    this.#deadlines.delete(waiter);
  }

  /** Offers a place in traffic to each in turn, until one cannot be served. Those served have left. */
  serve(tryServe: (waiter: Waiter) => boolean): void {
    for (const waiter of this.#deadlines.keys()) {
      if (!tryServe(waiter)) return;
    }
  }

  /** Turns everybody away. */
  clear(turnAway: (waiter: Waiter) => void): void {
    const waiters = [...this.#deadlines.keys()];
    this.#deadlines.clear();
    for (const waiter of waiters) turnAway(waiter);
  }

  #startTimer(delayMs: number): Timer {
    return this.#clock.startTimer(Math.max(1, Math.ceil(delayMs)), () => this.#onTimer(), { unref: true });
  }

  #onTimer(): void {
    this.#timer = undefined;
    const now = this.#clock.now();
    for (const [waiter, deadline] of this.#deadlines) {
      if (deadline > now) {
        this.#timer = this.#startTimer(deadline - now);
        return;
      }
      this.#deadlines.delete(waiter);
      this.#onDeadline(waiter);
    }
  }
}
