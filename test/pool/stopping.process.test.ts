// Stopping leaves nothing behind, whatever the workers do about it.
import { afterEach, expect, test } from '@jest/globals';
import { membersOf } from '../../pool/process-table.js';
import {
  createPoolBench,
  leftOvers,
  nodeWorker,
  pidsOf,
  waitUntilStopped,
  type PoolBench,
} from '../support/pool-bench.js';

let bench: PoolBench;

afterEach(() => bench.end());

test('a pool ends the frozen group too when it stops', async () => {
  bench = await createPoolBench({ initialMode: 'validation' });
  await bench.pool.start();
  await waitUntilStopped(pidsOf(bench.pool).get('fallback/1')!);
  await bench.pool.stop({});
  expect(bench.groups.size).toBe(5);
  expect(leftOvers(bench.groups)).toEqual([]);
  expect(bench.traffic.ids).toEqual([]);
});

test('a pool kills the whole group when a worker and its child ignore SIGTERM', async () => {
  const stop = { drainTimeoutMs: 100, streamDrainTimeoutMs: 100, graceMs: 50 };
  bench = await createPoolBench({ command: nodeWorker('forks'), stop });
  await bench.pool.start();
  const [group] = pidsOf(bench.pool).values();
  expect(membersOf(group!).length).toBeGreaterThanOrEqual(2);
  await bench.pool.stop({});
  expect(leftOvers(bench.groups)).toEqual([]);
});

test('a pool ends what is still in flight with an explicit error when the drain takes too long', async () => {
  bench = await createPoolBench({ stop: { drainTimeoutMs: 50, streamDrainTimeoutMs: 50, graceMs: 1_000 } });
  await bench.pool.start();
  bench.traffic.hold('primary/1');
  await bench.pool.stop({});
  expect(bench.traffic.aborted).toEqual([{ id: 'primary/1', reason: 'drain-timeout', kind: 'requests' }]);
});

test('a pool waits neither for drains nor for graces when it is told to hurry', async () => {
  const stop = { drainTimeoutMs: 60_000, streamDrainTimeoutMs: 60_000, graceMs: 60_000 };
  bench = await createPoolBench({ command: nodeWorker('ignores-sigterm'), stop });
  await bench.pool.start();
  bench.traffic.hold('primary/1');
  const hurry = new AbortController();
  const stopped = bench.pool.stop({ hurry: hurry.signal });
  hurry.abort();
  await stopped;
  expect(leftOvers(bench.groups)).toEqual([]);
});

test('a pool leaves nothing behind when it is stopped while it starts', async () => {
  bench = await createPoolBench({ command: nodeWorker('never-ready') });
  const started = bench.pool.start();
  const refused = expect(started).rejects.toMatchObject({ code: 'pool-stopping' });
  await bench.pool.stop({});
  await refused;
  expect(leftOvers(bench.groups)).toEqual([]);
});
