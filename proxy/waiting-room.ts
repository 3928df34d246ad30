// Where requests wait when nobody can take them: by class, within a class first come, first served; bounded, with a
// deadline. Leaving is free at any time. A full room makes place for a more urgent request by turning away the last
// comer of the least urgent class. It does not know upstreams: the dispatcher offers it tickets.

import type { Clock, Timer } from '../src/core/clock.js';
import { PRIORITIES, type Priority } from './priority.js';

export interface WaitingRoomOptions {
  readonly capacity: number;
  readonly deadlineMs: number;
}

export interface Waiting {
  /** `live` when it does not say. */
  readonly priority?: Priority;
}

export interface WaitingRoomEvents<Waiter> {
  readonly onDeadline: (waiter: Waiter) => void;
  /** Lost its place to a more urgent one. */
  readonly onDisplaced: (waiter: Waiter) => void;
}

const NOBODY: readonly never[] = [];

/** Waiters and their deadlines, in order of arrival, which is the order of their deadlines too. */
type Queue<Waiter> = Map<Waiter, number>;

export class WaitingRoom<Waiter extends Waiting> {
  #options: WaitingRoomOptions;
  readonly #clock: Clock;
  readonly #events: WaitingRoomEvents<Waiter>;
  /** Most urgent first. */
  readonly #queues: readonly Queue<Waiter>[] = PRIORITIES.map(() => new Map<Waiter, number>());
  #size = 0;
  #timer: Timer | undefined;

  constructor(options: WaitingRoomOptions, clock: Clock, events: WaitingRoomEvents<Waiter>) {
    this.#options = options;
    this.#clock = clock;
    this.#events = events;
  }

  get size(): number {
    return this.#size;
  }

  /** Those who wait already have the other deadline too, so that the order of arrival stays that of the deadlines. */
  applyOptions(options: WaitingRoomOptions): void {
    const shiftMs = options.deadlineMs - this.#options.deadlineMs;
    this.#options = options;
    if (shiftMs === 0) return;
    for (const queue of this.#queues) for (const [waiter, deadline] of queue) queue.set(waiter, deadline + shiftMs);
    this.#onTimer();
  }

  /** Those who go before a newcomer of this class. */
  countBefore(priority: Priority | undefined): number {
    let count = 0;
    for (let rank = 0; rank <= rankOf(priority); rank += 1) count += this.#queues[rank]!.size;
    return count;
  }

  /** False when it is full. */
  tryEnter(waiter: Waiter): boolean {
    const displaced = this.#makePlaceFor(waiter);
    if (displaced === undefined) return false;
    const { deadlineMs } = this.#options;
    this.#queues[rankOf(waiter.priority)]!.set(waiter, this.#clock.now() + deadlineMs);
    this.#size += 1;
    this.#timer ??= this.#startTimer(deadlineMs);
    // Only now: whoever is turned away may bring somebody else in.
    for (const other of displaced) this.#events.onDisplaced(other);
    return true;
  }

  /** Idempotent. */
  leave(waiter: Waiter): void {
    if (this.#size > 0 && this.#queues[rankOf(waiter.priority)]!.delete(waiter)) this.#size -= 1;
  }

  /** Offers a place in traffic to each in turn, until one cannot be served. Those served must have left. */
  serve(tryServe: (waiter: Waiter) => boolean): void {
    for (const queue of this.#queues) {
      for (const waiter of queue.keys()) if (!tryServe(waiter)) return;
    }
  }

  /** Turns everybody away. */
  clear(turnAway: (waiter: Waiter) => void): void {
    const waiters = this.#queues.flatMap((queue) => [...queue.keys()]);
    for (const queue of this.#queues) queue.clear();
    this.#size = 0;
    this.#cancelTimer();
    for (const waiter of waiters) turnAway(waiter);
  }

  /** Those who have left for it; undefined when not enough are less urgent. */
  #makePlaceFor({ priority }: Waiter): readonly Waiter[] | undefined {
    const tooMany = this.#size + 1 - this.#options.capacity;
    if (tooMany <= 0) return NOBODY;
    const lessUrgent = this.#queues.slice(rankOf(priority) + 1).flatMap((queue) => [...queue.keys()]);
    if (lessUrgent.length < tooMany) return undefined;
    const displaced = lessUrgent.slice(-tooMany).reverse();
    for (const waiter of displaced) this.leave(waiter);
    return displaced;
  }

  #startTimer(delayMs: number): Timer {
    return this.#clock.startTimer(Math.max(1, Math.ceil(delayMs)), () => this.#onTimer(), { unref: true });
  }

  #onTimer(): void {
    this.#cancelTimer();
    const now = this.#clock.now();
    for (const queue of this.#queues) {
      for (const [waiter, deadline] of queue) {
        if (deadline > now) break;
        this.leave(waiter);
        this.#events.onDeadline(waiter);
      }
    }
    const earliest = Math.min(...this.#queues.map((queue) => queue.values().next().value ?? Infinity));
    // Whoever came meanwhile has started one of their own.
    this.#cancelTimer();
    if (earliest < Infinity) this.#timer = this.#startTimer(earliest - now);
  }

  #cancelTimer(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }
}

function rankOf(priority: Priority | undefined): number {
  return priority === undefined ? 0 : PRIORITIES.indexOf(priority);
}
