import { expect, test } from '@jest/globals';
import { LaunchTurns } from '../../pool/launch-turns.js';
import { ManualClock } from '../support/manual-clock.js';
import { setImmediate } from 'node:timers/promises';

test('a launch waits for as long as the one before it took, one that took no time holds nobody up', async () => {
  const clock = new ManualClock();
  const turns = new LaunchTurns(clock);
  const launched: string[] = [];
  const slow = (name: string) => () => {
    launched.push(name);
    clock.advance(30);
  };
  const all = [turns.take(slow('a')), turns.take(slow('b')), turns.take(() => launched.push('c'))];
  await setImmediate();
  expect(launched).toEqual(['a']);
  clock.advance(29);
  await setImmediate();
  expect(launched).toEqual(['a']);
  clock.advance(1);
  await setImmediate();
  expect(launched).toEqual(['a', 'b']);
  clock.advance(30);
  await Promise.all(all);
  expect(launched).toEqual(['a', 'b', 'c']);
  await turns.take(() => launched.push('d'));
  expect(clock.pendingTimers).toBe(0);
});

test('a launch that fails gives its turn away', async () => {
  const turns = new LaunchTurns(new ManualClock());
  const fail = () => {
    throw new Error('no such program');
  };
  await expect(turns.take(fail)).rejects.toThrow('no such program');
  await expect(turns.take(() => 'launched')).resolves.toBe('launched');
});
