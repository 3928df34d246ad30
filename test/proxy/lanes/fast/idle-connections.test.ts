import { setImmediate } from 'node:timers/promises';
import { beforeEach, expect, test } from '@jest/globals';
import { IdleConnections } from '../../../../proxy/lanes/fast/idle-connections.js';

let idle: IdleConnections<string>;

beforeEach(() => {
  idle = new IdleConnections();
});

test('the one used last is taken first, and each only once', async () => {
  for (const name of ['a', 'b', 'c']) idle.add(name);
  await setImmediate();
  expect([idle.take(), idle.take(), idle.take(), idle.take()]).toEqual(['c', 'b', 'a', undefined]);
});

test('one that was given back in this turn waits for the next, behind all others', async () => {
  for (const name of ['a', 'b']) idle.add(name);
  await setImmediate();
  const used = idle.take()!;
  idle.add(used);
  expect(idle.take()).toBe('a');
  await setImmediate();
  expect(idle.take()).toBe('b');
});

test('rather one of this turn than a new connection', () => {
  idle.add('a');
  expect([idle.take(), idle.take()]).toEqual(['a', undefined]);
});

test('one that is gone is taken no more, resting or not', async () => {
  idle.add('a');
  await setImmediate();
  idle.add('b');
  idle.add('c');
  for (const gone of ['a', 'b', 'never there']) idle.remove(gone);
  await setImmediate();
  expect([idle.take(), idle.take()]).toEqual(['c', undefined]);
});

test('when all are removed none comes back with the end of the turn', async () => {
  idle.add('a');
  await setImmediate();
  idle.add('b');
  expect(idle.removeAll()).toEqual(['a', 'b']);
  await setImmediate();
  expect(idle.take()).toBeUndefined();
});
