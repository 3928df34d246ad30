// Other options for a running pool: what they concern is replaced, everything else lives on.
import { afterEach, expect, test } from '@jest/globals';
import { defaultPoolOptions, type PoolOptions } from '../../pool/index.js';
import { freePorts } from '../support/free-port.js';
import { createPoolBench, leftOvers, nodeWorker, pidsOf, type PoolBench } from '../support/pool-bench.js';

let bench: PoolBench;

afterEach(async () => {
  await bench.end();
  expect(leftOvers(bench.groups)).toEqual([]);
});

async function started(overrides: Partial<PoolOptions> = {}): Promise<PoolBench> {
  bench = await createPoolBench(overrides);
  await bench.pool.start();
  return bench;
}

test('a pool keeps every process when only limits and probes change', async () => {
  const { pool, options } = await started();
  const before = pidsOf(pool);
  const health = { ...options.health, intervalMs: 100 };
  expect(await pool.applyOptions({ ...options, health, failbackAfterMs: 1 })).toEqual({
    added: [],
    removed: [],
    replaced: [],
  });
  expect(pidsOf(pool)).toEqual(before);
});

test('a pool adds a backend, and drains and forgets a removed one, without touching the others', async () => {
  const { pool, options, traffic } = await started();
  const before = pidsOf(pool);
  const [port] = await freePorts(1);
  const [primary, secondary] = options.backends;
  const backends = [primary!, secondary!, { name: 'fourth', host: '127.0.0.1', port: port! }];
  const change = await pool.applyOptions({ ...options, backends });
  expect(change).toEqual({ added: ['fourth'], removed: ['fallback'], replaced: [] });
  expect(traffic.ids).toEqual(['fourth/1', 'primary/1', 'secondary/1']);
  expect(pool.view().backends.map(({ name }) => name)).toEqual(['primary', 'secondary', 'fourth']);
  for (const id of ['primary/1', 'secondary/1']) expect(pidsOf(pool).get(id)).toBe(before.get(id));
});

test('a pool replaces the worker of a backend whose port has changed, and no other', async () => {
  const { pool, options, traffic } = await started();
  const before = pidsOf(pool);
  const [port] = await freePorts(1);
  const [primary, secondary, fallback] = options.backends;
  const backends = [primary!, { ...secondary!, port: port! }, fallback!];
  expect((await pool.applyOptions({ ...options, backends })).replaced).toEqual(['secondary']);
  const target = traffic.targets.find(({ id }) => id === 'secondary/1');
  expect(target?.address).toMatchObject({ port });
  expect(pidsOf(pool).get('secondary/1')).not.toBe(before.get('secondary/1'));
  for (const id of ['primary/1', 'fallback/1']) expect(pidsOf(pool).get(id)).toBe(before.get(id));
});

test('a pool replaces its workers one after the other when the command changes', async () => {
  const { pool, options, traffic } = await started();
  const before = pidsOf(pool);
  const least: number[] = [];
  traffic.onApplied = (ids) => least.push(ids.length);
  await pool.applyOptions({ ...options, command: [...nodeWorker('well'), 'again'] });
  expect(Math.min(...least)).toBe(2);
  expect(traffic.ids).toHaveLength(3);
  for (const [id, pid] of pidsOf(pool)) expect(pid).not.toBe(before.get(id));
});

test('a pool takes the shape that the present mode has in the new options', async () => {
  const { pool, options, traffic } = await started();
  const modes = {
    ...defaultPoolOptions.modes,
    production: { active: 2, workers: 2, standby: 1, temperature: 'hot' },
  } as const;
  await pool.applyOptions({ ...options, modes });
  expect(traffic.ids).toEqual(['primary/1', 'primary/2', 'secondary/1', 'secondary/2']);
  expect(pool.view().backends[2]).toMatchObject({ role: 'standby', temperature: 'hot' });
});

test('a pool goes back to its old command, and says why, when the new one fails', async () => {
  const { pool, options, traffic } = await started();
  const before = pidsOf(pool);
  const change = pool.applyOptions({ ...options, command: nodeWorker('exits-at-once') });
  await expect(change).rejects.toThrow(/stays as it was.*no module named app/s);
  await pool.restart(undefined);
  expect(traffic.ids).toHaveLength(3);
  expect(pidsOf(pool).size).toBe(before.size);
});

test('a pool refuses options without the mode that it has', async () => {
  const { pool, options } = await started();
  const before = pidsOf(pool);
  const modes = { other: defaultPoolOptions.modes.production };
  await expect(pool.applyOptions({ ...options, modes })).rejects.toMatchObject({ code: 'unknown-mode' });
  expect(pidsOf(pool)).toEqual(before);
});

test('a pool keeps its old options when there is no way to the new ones', async () => {
  const { pool, options } = await started();
  const modes = { production: { ...defaultPoolOptions.modes.production, workers: 2 } };
  const change = pool.applyOptions({ ...options, modes, budget: { workers: 3 } });
  await expect(change).rejects.toMatchObject({ code: 'not-reachable' });
  expect(pool.view().budget.workers).toBe(5);
});
