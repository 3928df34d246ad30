// One process at a time, with room for requests in between: making one stops the event loop while the kernel copies our
// memory map (1 ms here, 30 ms there), and after a loss several are to be made at once.
import { waitFor, type Clock } from '../src/core/clock.js';

/** Shorter stops are no worse than what else happens in an event loop. */
const UNNOTICED_MS = 1;

export class LaunchTurns {
  readonly #clock: Clock;
  #last: Promise<void> = Promise.resolve();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Launches when its turn has come. The next one waits for as long as this one took. */
  async take<T>(launch: () => T): Promise<T> {
    const before = this.#last;
    let end = () => {};
    this.#last = new Promise((resolve) => (end = resolve));
    await before;
    const beganAtMs = this.#clock.now();
    try {
      return launch();
    } finally {
      const tookMs = this.#clock.now() - beganAtMs;
      if (tookMs < UNNOTICED_MS) end();
      else void waitFor(this.#clock, tookMs).then(end);
    }
  }
}
