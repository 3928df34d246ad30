import { setImmediate } from 'node:timers/promises';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { Arrivals } from '../../proxy/arrivals.js';
import { ManualClock } from '../support/manual-clock.js';

let clock: ManualClock;
let admitted: number[];
let arrivals: Arrivals<number>;

beforeEach(() => {
  clock = new ManualClock();
  admitted = [];
  arrivals = new Arrivals(clock, (arrival) => admitted.push(arrival));
});

describe('arrivals', () => {
  test('are admitted together, in their order, after the first turn without another one', async () => {
    for (const arrival of [1, 2, 3]) {
      arrivals.add(arrival);
      await setImmediate();
      expect(admitted).toEqual([]);
    }
    await setImmediate();
    expect(admitted).toEqual([1, 2, 3]);
  });

  test('begin a new burst when one is over', async () => {
    arrivals.add(1);
    await setImmediate();
    await setImmediate();
    arrivals.add(2);
    await setImmediate();
    expect(admitted).toEqual([1]);
    await setImmediate();
    expect(admitted).toEqual([1, 2]);
  });

  test('wait no longer than 5 ms for a burst without end', async () => {
    arrivals.add(1);
    await setImmediate();
    arrivals.add(2);
    clock.advance(5);
    await setImmediate();
    expect(admitted).toEqual([1, 2]);
  });

  test('are never more than 128', async () => {
    for (let arrival = 1; arrival <= 128; arrival += 1) arrivals.add(arrival);
    await setImmediate();
    expect(admitted).toHaveLength(128);
  });

  test('are admitted at once when the time has come to end them all', async () => {
    arrivals.add(1);
    arrivals.admitAll();
    expect(admitted).toEqual([1]);
    await setImmediate();
    await setImmediate();
    expect(admitted).toEqual([1]);
  });
});
