import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { systemClock } from '../../../src/core/clock.js';

const DAY_MS = 24 * 3_600_000;

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

describe('a timer of the system clock', () => {
  test.each([0, 1, 20, 25, 30, 100])('fires once, after as long as it says, when that is %d days', (days) => {
    const callback = jest.fn();
    systemClock.startTimer(days * DAY_MS + 5, callback, { unref: true });
    jest.advanceTimersByTime(days * DAY_MS + 4);
    expect(callback).not.toHaveBeenCalled();
    jest.advanceTimersByTime(1);
    expect(callback).toHaveBeenCalledTimes(1);
    expect(jest.getTimerCount()).toBe(0);
  });

  test('stays silent when it is cancelled in a later part of a long time', () => {
    const callback = jest.fn();
    const timer = systemClock.startTimer(60 * DAY_MS, callback);
    jest.advanceTimersByTime(55 * DAY_MS);
    timer.cancel();
    expect(jest.getTimerCount()).toBe(0);
    jest.advanceTimersByTime(10 * DAY_MS);
    expect(callback).not.toHaveBeenCalled();
  });
});
