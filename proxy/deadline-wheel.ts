// Deadlines for very many connections on one coarse timer. Moving a deadline later is a number written; its holder is
// looked at again when the slot that it stands in comes up. So a request costs no timer of its own. (A hashed wheel
// after Varghese and Lauck 1987, lazily moved.)

import type { Clock, Timer } from '../src/core/clock.js';
import { takeOut } from './take-out.js';

export interface DeadlineHolder {
  /** When it is over, on the wheel's clock in milliseconds; Infinity for never. Written by `arm` and `disarm` alone. */
  deadlineAt: number;
  /** Tick in which the wheel looks at it next, -1 for never. Owned by the wheel. */
  deadlineTick: number;
  /** Its place among those of that tick. Owned by the wheel. */
  deadlinePlace: number;
  onDeadline(): void;
}

/** Deadlines are kept to this many milliseconds, never early. */
const TICK_MS = 25;
/** No holder is left alone for longer, so that the wheel stays small whatever the deadlines. */
const SLOTS = 160;

export class DeadlineWheel {
  readonly #clock: Clock;
  readonly #slots: DeadlineHolder[][] = Array.from({ length: SLOTS }, () => []);
  #held = 0;
  #timer: Timer | undefined;
  /** The last tick that was looked at. */
  #tick: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#tick = this.#tickOf(clock.now());
  }

  /** `now`: for who has just read the clock. */
  arm(holder: DeadlineHolder, delayMs: number, now = this.#clock.now()): void {
    holder.deadlineAt = now + delayMs;
    const tick = Math.min(this.#tickOf(holder.deadlineAt) + 1, this.#tickOf(now) + SLOTS - 1);
    // It is looked at before that anyhow.
    if (holder.deadlineTick > this.#tick && holder.deadlineTick <= tick) return;
    this.#remove(holder);
    this.#insert(holder, tick);
  }

  /** It stays on the wheel for a while, ready to be armed again at no cost. */
  disarm(holder: DeadlineHolder): void {
    holder.deadlineAt = Infinity;
  }

  /** It will not be armed again: nothing here keeps it in memory. */
  release(holder: DeadlineHolder): void {
    holder.deadlineAt = Infinity;
    this.#remove(holder);
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #insert(holder: DeadlineHolder, tick: number): void {
    if (this.#held === 0) this.#tick = this.#tickOf(this.#clock.now());
    holder.deadlineTick = tick;
    holder.deadlinePlace = this.#slots[tick % SLOTS]!.push(holder) - 1;
    this.#held += 1;
    this.#timer ??= this.#startTimer();
  }

  #remove(holder: DeadlineHolder): void {
    if (holder.deadlineTick < 0) return;
    const moved = takeOut(this.#slots[holder.deadlineTick % SLOTS]!, holder.deadlinePlace);
    if (moved !== undefined) moved.deadlinePlace = holder.deadlinePlace;
    holder.deadlineTick = -1;
    this.#held -= 1;
  }

  #startTimer(): Timer {
    return this.#clock.startTimer(TICK_MS, () => this.#onTick(), { unref: true });
  }

  #onTick(): void {
    this.#timer = undefined;
    const now = this.#clock.now();
    const until = this.#tickOf(now);
    // After a long sleep each slot is looked at once.
    const from = Math.max(this.#tick + 1, until - SLOTS + 1);
    for (let tick = from; tick <= until; tick += 1) {
      this.#tick = tick;
      this.#lookAt(tick, now);
    }
    if (this.#held > 0) this.#timer ??= this.#startTimer();
  }

  #lookAt(tick: number, now: number): void {
    const slot = this.#slots[tick % SLOTS]!;
    // One by one: a deadline that is over may release or arm others.
    for (let holder = slot.pop(); holder !== undefined; holder = slot.pop()) {
      holder.deadlineTick = -1;
      this.#held -= 1;
      if (holder.deadlineAt <= now) {
        holder.deadlineAt = Infinity;
        holder.onDeadline();
      } else if (holder.deadlineAt !== Infinity) {
        this.#insert(holder, Math.min(this.#tickOf(holder.deadlineAt) + 1, tick + SLOTS - 1));
      }
    }
  }

  #tickOf(ms: number): number {
    return Math.floor(ms / TICK_MS);
  }
}
