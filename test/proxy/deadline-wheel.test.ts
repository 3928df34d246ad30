import { beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { DeadlineWheel, type DeadlineHolder } from '../../proxy/deadline-wheel.js';
import { ManualClock } from '../support/manual-clock.js';

/** Deadlines are kept to a tick, never early. */
const TICK_MS = 25;

let clock: ManualClock;
let wheel: DeadlineWheel;

beforeEach(() => {
  clock = new ManualClock();
  wheel = new DeadlineWheel(clock);
});

class Holder implements DeadlineHolder {
  deadlineAt = Infinity;
  deadlineTick = -1;
  deadlinePlace = 0;
  /** When its deadlines were over. */
  readonly over: number[] = [];

  onDeadline(): void {
    this.over.push(clock.now());
  }
}

describe('the wheel', () => {
  test.each([1, 24, 25, 26, 500, 3_999, 4_000, 60_000])('keeps a deadline of %i ms', (delayMs) => {
    const holder = new Holder();
    const armedAt = clock.now();
    wheel.arm(holder, delayMs);
    clock.advance(delayMs + 3 * TICK_MS);
    expect(holder.over).toHaveLength(1);
    expect(holder.over[0]! - armedAt).toBeGreaterThanOrEqual(delayMs);
  });

  test('sleeps while nothing is due', () => {
    const started: number[] = [];
    const startTimer = clock.startTimer.bind(clock);
    clock.startTimer = (delayMs, callback) => {
      started.push(delayMs);
      return startTimer(delayMs, callback);
    };
    const holders = Array.from({ length: 100 }, () => new Holder());
    for (const holder of holders) {
      clock.advance(3);
      wheel.arm(holder, 60_000);
    }
    clock.advance(65_000);
    expect(holders.map(({ over }) => over.length)).toEqual(holders.map(() => 1));
    // A look at each of their ticks in each turn of the wheel, and not at each of some 2,600 ticks.
    const ticksHeld = Math.ceil((3 * holders.length) / TICK_MS) + 1;
    expect(started.length).toBeLessThanOrEqual(ticksHeld * Math.ceil(65_000 / (158 * TICK_MS)));
  });

  test('is awake in time for a deadline that comes before the one it sleeps for', () => {
    const [late, early] = [new Holder(), new Holder()];
    wheel.arm(late, 3_000);
    clock.advance(1_000);
    wheel.arm(early, 100);
    clock.advance(100 + 2 * TICK_MS);
    expect(early.over).toHaveLength(1);
    expect(late.over).toEqual([]);
    clock.advance(3_000);
    expect(late.over).toHaveLength(1);
  });

  test('goes on after a deadline that failed', () => {
    const [failing, next] = [new Holder(), new Holder()];
    failing.onDeadline = () => {
      throw new Error('deadline failed');
    };
    wheel.arm(failing, 100);
    wheel.arm(next, 500);
    expect(() => clock.advance(300)).toThrow('deadline failed');
    clock.advance(500);
    expect(next.over).toHaveLength(1);
  });

  test('has no timer once nothing is armed', () => {
    const holder = new Holder();
    wheel.arm(holder, 100);
    wheel.release(holder);
    clock.advance(10_000);
    expect(holder.over).toEqual([]);
    expect(clock.pendingTimers).toBe(0);
  });

  test('releases others within a deadline of one', () => {
    const others = [new Holder(), new Holder()];
    const releaseOthers = () => others.forEach((other) => wheel.release(other));
    const [first, last] = [new Holder(), new Holder()];
    first.onDeadline = last.onDeadline = releaseOthers;
    wheel.arm(first, 100);
    others.forEach((other) => wheel.arm(other, 100));
    wheel.arm(last, 100);
    clock.advance(1_000);
    expect(others.flatMap(({ over }) => over)).toEqual([]);
  });

  test('keeps nothing in memory that was released', () => {
    const holders = Array.from({ length: 100 }, () => new Holder());
    holders.forEach((holder, index) => wheel.arm(holder, 50 * index));
    holders.forEach((holder) => wheel.release(holder));
    expect(holders.map(({ deadlineTick }) => deadlineTick)).toEqual(holders.map(() => -1));
    clock.advance(TICK_MS);
    expect(clock.pendingTimers).toBe(0);
  });

  test('never ends a deadline early, late or twice, whatever is armed, moved and released', () => {
    const act = fc.record({
      holder: fc.nat(5),
      what: fc.constantFrom('arm' as const, 'disarm' as const, 'release' as const),
      delayMs: fc.nat(6_000),
      thenMs: fc.nat(1_500),
    });
    fc.assert(
      fc.property(fc.array(act, { maxLength: 40 }), (acts) => {
        clock = new ManualClock();
        wheel = new DeadlineWheel(clock);
        const holders = Array.from({ length: 6 }, () => new Holder());
        const due = new Map<Holder, number>();
        const check = () => {
          for (const holder of holders) {
            const at = due.get(holder);
            for (const over of holder.over) {
              expect(at).toBeDefined();
              expect(over).toBeGreaterThanOrEqual(at!);
              expect(over).toBeLessThanOrEqual(at! + 3 * TICK_MS);
            }
            if (at !== undefined && clock.now() > at + 3 * TICK_MS) expect(holder.over).toHaveLength(1);
            if (holder.over.length > 0) due.delete(holder);
            holder.over.length = 0;
          }
        };
        for (const { holder: index, what, delayMs, thenMs } of acts) {
          const holder = holders[index]!;
          if (what === 'arm') {
            wheel.arm(holder, delayMs);
            due.set(holder, clock.now() + delayMs);
          } else {
            wheel[what](holder);
            due.delete(holder);
          }
          clock.advance(thenMs);
          check();
        }
        clock.advance(10_000);
        check();
        expect(due.size).toBe(0);
      }),
    );
  });
});
