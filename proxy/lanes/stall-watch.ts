// Whether one side still does its part: a client sends the body that it has announced and takes what was written, an upstream
// goes on with its answer. One that does nothing for too long while it is its turn would hold the request, and the other side,
// for ever.

import type { Clock, Timer } from '../../src/core/clock.js';

export interface StallRules {
  readonly idleMs: number;
  /** False: it is somebody else who is waited for. */
  readonly isItsTurn: () => boolean;
  readonly onStalled: () => void;
}

export class StallWatch {
  readonly #clock: Clock;
  readonly #rules: StallRules;
  #movedAt = 0;
  #timer: Timer | undefined;

  constructor(clock: Clock, rules: StallRules) {
    this.#clock = clock;
    this.#rules = rules;
  }

  /** Its turn begins. */
  start(): void {
    this.noteProgress();
    this.#timer ??= this.#startTimer(this.#rules.idleMs);
  }

  /** A number written: the timer is moved when it is over. */
  noteProgress(): void {
    this.#movedAt = this.#clock.now();
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #startTimer(delayMs: number): Timer {
    return this.#clock.startTimer(delayMs, () => this.#look(), { unref: true });
  }

  #look(): void {
    const { idleMs, isItsTurn, onStalled } = this.#rules;
    this.#timer = undefined;
    if (!isItsTurn()) this.noteProgress();
    const leftMs = this.#movedAt + idleMs - this.#clock.now();
    if (leftMs <= 0) onStalled();
    else this.#timer = this.#startTimer(leftMs);
  }
}
