// Deadlines for very many connections on one coarse timer. Moving a deadline later is a number written; its holder is
// looked at again when the slot that it stands in comes up. So a request costs no timer of its own. (A hashed wheel
// after Varghese and Lauck 1987, lazily moved.) The timer is for the next slot with somebody in it: connections that are
// merely open wake an idle proxy once in a turn of the wheel, not at every tick.

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
  /** The tick that the timer is for: no holder stands in an earlier one. Infinity without a timer. */
  #wakeTick = Infinity;
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
    this.#wakeTick = Infinity;
  }

  #insert(holder: DeadlineHolder, tick: number): void {
    if (this.#held === 0) this.#tick = this.#tickOf(this.#clock.now());
    holder.deadlineTick = tick;
    holder.deadlinePlace = this.#slots[tick % SLOTS]!.push(holder) - 1;
    this.#held += 1;
    if (tick < this.#wakeTick) this.#wakeAt(tick);
  }

  #remove(holder: DeadlineHolder): void {
    if (holder.deadlineTick < 0) return;
    const moved = takeOut(this.#slots[holder.deadlineTick % SLOTS]!, holder.deadlinePlace);
    if (moved !== undefined) moved.deadlinePlace = holder.deadlinePlace;
    holder.deadlineTick = -1;
    this.#held -= 1;
  }

  #wakeAt(tick: number): void {
    this.#timer?.cancel();
    this.#wakeTick = tick;
    const delayMs = Math.max(0, tick * TICK_MS - this.#clock.now());
    this.#timer = this.#clock.startTimer(delayMs, () => this.#onTick(), { unref: true });
  }

  #onTick(): void {
    const now = this.#clock.now();
    // Whoever is put on the wheel meanwhile is found by the search at the end.
    this.#wakeTick = -1;
    try {
      this.#lookUntil(this.#tickOf(now), now);
    } finally {
      this.stop();
      if (this.#held > 0) this.#wakeAt(this.#nextHeldTick());
    }
  }

  #lookUntil(last: number, now: number): void {
    // After a long sleep each slot is looked at once.
    for (let tick = Math.max(this.#tick + 1, last - SLOTS + 1); tick <= last; tick += 1) {
      this.#tick = tick;
      this.#lookAt(tick, now);
    }
  }

  #nextHeldTick(): number {
    let tick = this.#tick + 1;
    while (this.#slots[tick % SLOTS]!.length === 0) tick += 1;
    return tick;
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
