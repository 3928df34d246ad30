// One process at a time, with room for requests in between: making one keeps a CPU busy while the kernel copies a memory
// map, and after a loss several are to be made at once, which then all load their application.
import { waitFor, type Clock } from '../src/core/clock.js';

/** Shorter ones are no worse than what else happens on a machine. */
const UNNOTICED_MS = 1;

export class LaunchTurns {
  readonly #clock: Clock;
  #last: Promise<void> = Promise.resolve();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Resolves once nothing is being launched. */
  get idle(): Promise<void> {
    return this.#last;
  }

  /** Launches when its turn has come. The next one waits for as long as this one took. */
  async take<T>(launch: () => T | Promise<T>): Promise<T> {
    const before = this.#last;
    let end = () => {};
    this.#last = new Promise((resolve) => (end = resolve));
    await before;
    const beganAtMs = this.#clock.now();
    try {
      return await launch();
    } finally {
      const tookMs = this.#clock.now() - beganAtMs;
      if (tookMs < UNNOTICED_MS) end();
      else void waitFor(this.#clock, tookMs).then(end);
    }
  }
}
