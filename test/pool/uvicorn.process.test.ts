// The main path on real uvicorn: 3 x 1 to validation and back, and the death of every active worker.
import { afterEach, expect, test } from '@jest/globals';
import {
  createPoolBench,
  leftOvers,
  pidsOf,
  waitUntil,
  waitUntilStopped,
  type PoolBench,
} from '../support/pool-bench.js';
import { uvicornCommand } from '../support/uvicorn.js';

let bench: PoolBench;

afterEach(async () => {
  await bench.end();
  expect(leftOvers(bench.groups)).toEqual([]);
});

test('a pool of uvicorn goes to validation and back without restarting a production worker', async () => {
  bench = await createPoolBench({ command: uvicornCommand() });
  const { pool, traffic } = bench;
  await pool.start();
  const before = pidsOf(pool);
  await pool.setMode('validation');
  expect(traffic.ids).toEqual(['primary/1', 'primary/2', 'secondary/1', 'secondary/2']);
  await waitUntilStopped(before.get('fallback/1')!);
  await pool.setMode('production');
  expect(traffic.ids).toEqual(['fallback/1', 'primary/1', 'secondary/1']);
  expect(pidsOf(pool)).toEqual(before);
});

test('a pool of uvicorn serves from the thawed standby when all four active workers are killed', async () => {
  bench = await createPoolBench({ command: uvicornCommand(), initialMode: 'validation' });
  const { pool, traffic } = bench;
  await pool.start();
  const pids = pidsOf(pool);
  const standby = pids.get('fallback/1')!;
  pids.delete('fallback/1');
  for (const pid of pids.values()) process.kill(pid, 'SIGKILL');
  await waitUntil(pool, () => traffic.ids.includes('fallback/1'));
  const { address } = traffic.targets.find((target) => target.id === 'fallback/1')!;
  if (address.kind !== 'tcp') throw new Error('a managed worker listens on TCP');
  const response = await fetch(`http://127.0.0.1:${address.port}/`);
  expect(await response.json()).toMatchObject({ pid: standby });
  await waitUntil(pool, () => pool.view().mode.converged);
  await waitUntilStopped(standby);
  expect(traffic.ids).toHaveLength(4);
});
