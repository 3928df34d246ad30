// Tries the standby workers now and then, one after the other, so that a promotion never is the first time that
// somebody finds out whether they still answer, and how fast.
import type { Clock, Timer } from '../src/core/clock.js';
import type { Worker } from './worker.js';

export interface RehearsalOptions {
  readonly clock: Clock;
  /** 0 for none. */
  readonly everyMs: number;
  /** Whether there is room now for what a sleeping worker takes when it wakes. */
  mayWake(): boolean;
}

export class Rehearsals {
  readonly #clock: Clock;
  readonly #everyMs: number;
  readonly #workers: readonly Worker[];
  readonly #mayWake: () => boolean;
  #timer: Timer | undefined;

  constructor(workers: readonly Worker[], options: RehearsalOptions) {
    this.#workers = workers;
    this.#clock = options.clock;
    this.#everyMs = options.everyMs;
    this.#mayWake = () => options.mayWake();
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
    for (const worker of this.#workers) await worker.rehearse({ mayWake: this.#mayWake() });
    if (this.#timer !== undefined) this.start();
  }
}
