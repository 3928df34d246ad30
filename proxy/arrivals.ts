// Accepted connections that wait for the rest of their burst. Node accepts one connection a turn of the event loop, so
// what came first is served in the turns in which the others still wait to be accepted: the last of 64 would get its first
// answer when the first has had dozens. Turns that only accept are short, so nobody waits long for all.

import type { Clock } from '../src/core/clock.js';

/** A flood of connections has no end to be waited for. */
const MAX_WAITING = 128;
const MAX_WAIT_MS = 5;

export class Arrivals<T> {
  readonly #clock: Clock;
  readonly #admit: (arrival: T) => void;
  #waiting: T[] = [];
  #sinceMs = 0;
  /** Somebody came in this turn. */
  #news = false;
  readonly #onTurnEnd = () => this.#endTurn();

  constructor(clock: Clock, admit: (arrival: T) => void) {
    this.#clock = clock;
    this.#admit = admit;
  }

  /** It is admitted at the end of the first turn in which nobody else came, or once many wait, or some have for long. */
  add(arrival: T): void {
    this.#news = true;
    if (this.#waiting.push(arrival) > 1) return;
    this.#sinceMs = this.#clock.now();
    setImmediate(this.#onTurnEnd);
  }

  /** Nobody waits any longer. */
  admitAll(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const arrival of waiting) this.#admit(arrival);
  }

  #endTurn(): void {
    const goesOn = this.#news && this.#waiting.length < MAX_WAITING;
    this.#news = false;
    if (goesOn && this.#clock.now() - this.#sinceMs < MAX_WAIT_MS) setImmediate(this.#onTurnEnd);
    else this.admitAll();
  }
}
