// Whether a client that has ended its sending side still listens. A FIN may mean "no more from me" (RFC 9112 section 9.6)
// or "gone". Bytes tell: a peer that is gone answers the first ones with a reset, at which the next ones fail. An interim
// response is harmless to one that listens (RFC 9110 section 15.2), and so is a comment in an event stream.

import type { Clock, Timer } from '../../src/core/clock.js';

/** A reset needs a round trip: near clients are known to be gone after the first, far ones after the last. */
const DELAYS_MS = [0, 20, 200, 1_000];

export class ClientProbe {
  readonly #clock: Clock;
  readonly #probe: () => void;
  #timer: Timer | undefined;

  constructor(clock: Clock, probe: () => void) {
    this.#clock = clock;
    this.#probe = probe;
  }

  start(): void {
    this.#next(0);
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #next(index: number): void {
    const delayMs = DELAYS_MS[index];
    if (delayMs === undefined) return;
    this.#timer = this.#clock.startTimer(
      delayMs,
      () => {
        this.#next(index + 1);
        this.#probe();
      },
      { unref: true },
    );
  }
}
