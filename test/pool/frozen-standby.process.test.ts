// What the frozen standby costs the validation job: nothing.
import { setTimeout } from 'node:timers/promises';
import { afterEach, expect, test } from '@jest/globals';
import { readTreeVitals } from '../../pool/resources/process-tree.js';
import { createPoolBench, leftOvers, pidsOf, waitUntilStopped, type PoolBench } from '../support/pool-bench.js';

let bench: PoolBench;

/** Time itself is what is observed here. */
const OBSERVED_MS = 1_500;

afterEach(async () => {
  await bench.end();
  expect(leftOvers(bench.groups)).toEqual([]);
});

test('a frozen standby burns no tick of CPU, and keeps its memory', async () => {
  bench = await createPoolBench({ initialMode: 'validation' });
  await bench.pool.start();
  const standby = pidsOf(bench.pool).get('fallback/1')!;
  await waitUntilStopped(standby);
  const before = readTreeVitals(standby)!;
  await setTimeout(OBSERVED_MS);
  expect(readTreeVitals(standby)).toEqual(before);
  expect(before.residentBytes).toBeGreaterThan(1_000_000);
});
