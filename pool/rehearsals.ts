// Thaws the frozen standby workers now and then, one after the other, so that a promotion never is the first time
// that somebody finds out whether they still answer.
import type { Clock, Timer } from '../src/core/clock.js';
import type { Worker } from './worker.js';

export class Rehearsals {
  readonly #clock: Clock;
  readonly #everyMs: number;
  readonly #workers: readonly Worker[];
  #timer: Timer | undefined;

  /** No rehearsals with `everyMs` 0. */
  constructor(workers: readonly Worker[], { clock, everyMs }: { readonly clock: Clock; readonly everyMs: number }) {
    this.#workers = workers;
    this.#clock = clock;
    this.#everyMs = everyMs;
  }

  /** Idempotent. */
  start(): void {
    if (this.#everyMs === 0) return;
    this.#timer?.cancel();
    this.#timer = this.#clock.startTimer(this.#everyMs, () => void this.#rehearseAll(), { unref: true });
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  async #rehearseAll(): Promise<void> {
    for (const worker of this.#workers) await worker.rehearse();
    if (this.#timer !== undefined) this.start();
  }
}
