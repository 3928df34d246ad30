// Tries the standby workers now and then, one after the other, so that it is not left to a promotion to find out whether
// they still answer, and how fast.
import type { Clock, Timer } from '../src/core/clock.js';
import type { Worker } from './worker.js';

export interface RehearsalsOptions {
  readonly clock: Clock;
  /** Asked anew at each rehearsal, as is `everyMs`. */
  workers(): readonly Worker[];
  /** 0 for none. */
  everyMs(): number;
  /** Whether there is room now for what a sleeping worker takes when it wakes. */
  mayWake(): boolean;
}

export class Rehearsals {
  readonly #options: RehearsalsOptions;
  #started = false;
  #timer: Timer | undefined;
  #underWay: Promise<void> = Promise.resolve();
  #cut = new AbortController();

  constructor(options: RehearsalsOptions) {
    this.#options = options;
  }

  /** Idempotent; begins the pause anew. */
  start(): void {
    this.stop();
    this.#started = true;
    this.#cut = new AbortController();
    const everyMs = this.#options.everyMs();
    if (everyMs === 0) return;
    const rehearse = () => void (this.#underWay = this.#underWay.then(() => this.#rehearseAll()));
    this.#timer = this.#options.clock.startTimer(everyMs, rehearse, { unref: true });
  }

  /** No rehearsal begins from here on; the one under way is given up, and its worker goes back to where it was. */
  stop(): void {
    this.#started = false;
    this.#cut.abort();
    this.#timer?.cancel();
  }

  /** Resolves once none is under way. */
  waitIdle(): Promise<void> {
    return this.#underWay;
  }

  /** For a new pause. Does nothing before the start. */
  restart(): void {
    if (this.#started) this.start();
  }

  async #rehearseAll(): Promise<void> {
    const begun = this.#timer;
    const options = this.#options;
    for (const worker of options.workers()) {
      if (!this.#started) return;
      await worker.rehearse({ mayWake: options.mayWake(), signal: this.#cut.signal });
    }
    if (this.#started && this.#timer === begun) this.start();
  }
}
