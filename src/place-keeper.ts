// Looks after an instance's place in its runtime folder: pid file, admin socket, state file. A cleaner of /tmp or a careless
// rm takes them from under us, and no command could reach us any more; they are brought back, unless another instance has
// taken the place meanwhile. What is told is told once, until it is whole again.

import type { Clock, Timer } from './core/clock.js';
import { errorMessage, operatorError } from './core/errors.js';
import type { Logger } from './core/log.js';
import { livingOwner } from './instance-owner.js';

export interface PlaceKeeperOptions {
  readonly clock: Clock;
  readonly log: Logger;
  readonly runtimeDir: string;
  isWhole(): boolean;
  /** Judges the folder as at the start. @throws what keeps it from being ours. */
  restore(): Promise<void>;
}

/** No watch tells of a folder that goes with its parents. Rarely: each look is time in which no request is served. */
const LOOK_EVERY_MS = 5_000;

export class PlaceKeeper {
  readonly #options: PlaceKeeperOptions;
  #timer: Timer | undefined;
  #toldTrouble = false;

  constructor(options: PlaceKeeperOptions) {
    this.#options = options;
  }

  start(): void {
    this.#timer = this.#options.clock.startTimer(LOOK_EVERY_MS, () => void this.#look(), { unref: true });
  }

  /** Idempotent. */
  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  async #look(): Promise<void> {
    const timer = this.#timer;
    const { runtimeDir, log } = this.#options;
    try {
      if (!this.#options.isWhole()) {
        this.#refuseTaken();
        await this.#options.restore();
        if (timer === this.#timer)
          log.warn({ runtimeDir }, 'the runtime folder had lost files of ours: they are back, and commands work again');
      }
      this.#toldTrouble = false;
    } catch (error) {
      // A stop in between takes the socket away again.
      if (timer === this.#timer) this.#tellTrouble(error);
    }
    if (timer === this.#timer) this.start();
  }

  #refuseTaken(): void {
    const { runtimeDir } = this.#options;
    const owner = livingOwner(runtimeDir);
    if (owner === undefined || owner === process.pid) return;
    throw operatorError('already-running', `another instance (pid ${owner}) has ${runtimeDir} by now`);
  }

  #tellTrouble(error: unknown): void {
    const { runtimeDir, log } = this.#options;
    if (!this.#toldTrouble) {
      log.error(
        { runtimeDir, reason: errorMessage(error) },
        'files of ours in the runtime folder are gone and can not be brought back yet: commands do not reach this instance',
      );
    }
    this.#toldTrouble = true;
  }
}
