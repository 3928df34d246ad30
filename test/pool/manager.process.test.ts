// The whole control plane on real child processes: tiny Node servers, for speed.
import { createServer } from 'node:net';
import { once } from 'node:events';
import { afterEach, describe, expect, test } from '@jest/globals';
import { readProcess } from '../../pool/process-table.js';
import {
  createPoolBench,
  leftOvers,
  nodeWorker,
  pidsOf,
  waitUntil,
  waitUntilStopped,
  type PoolBench,
} from '../support/pool-bench.js';

let bench: PoolBench;

afterEach(async () => {
  await bench.end();
  expect(leftOvers(bench.groups)).toEqual([]);
});

const PRODUCTION = ['fallback/1', 'primary/1', 'secondary/1'];
const VALIDATION = ['primary/1', 'primary/2', 'secondary/1', 'secondary/2'];

describe('a pool switching modes', () => {
  test('keeps the production workers and freezes the fallback when validation begins and ends', async () => {
    bench = await createPoolBench();
    const { pool, traffic } = bench;
    await pool.start();
    expect(traffic.ids).toEqual(PRODUCTION);
    const before = pidsOf(pool);
    await pool.setMode('validation');
    expect(traffic.ids).toEqual(VALIDATION);
    const frozen = pidsOf(pool).get('fallback/1')!;
    expect(frozen).toBe(before.get('fallback/1'));
    await waitUntilStopped(frozen);
    expect(pool.view().mode).toEqual({ current: 'validation', target: 'validation', converged: true });
    await pool.setMode('production');
    expect(traffic.ids).toEqual(PRODUCTION);
    expect(pidsOf(pool)).toEqual(before);
    expect(pool.view().budget.running).toBe(3);
  });

  test('never has fewer usable workers than production while it switches', async () => {
    bench = await createPoolBench();
    const { pool, traffic } = bench;
    await pool.start();
    const begun = traffic.applied.length;
    await pool.setMode('validation');
    await pool.setMode('production');
    expect(Math.min(...traffic.applied.slice(begun).map((ids) => ids.length))).toBe(3);
  });
});

describe('a pool losing workers', () => {
  test('promotes the frozen standby in the turn of the exit when one active worker is killed', async () => {
    bench = await createPoolBench({ initialMode: 'validation' });
    const { pool, traffic } = bench;
    await pool.start();
    const standby = pidsOf(pool).get('fallback/1')!;
    process.kill(pidsOf(pool).get('primary/1')!, 'SIGKILL');
    const lists: string[][] = [];
    traffic.onApplied = (ids) => lists.push(ids);
    await waitUntil(pool, () => traffic.ids.includes('fallback/1'));
    // One list, not two: at no time was the dead one out and the standby not yet in.
    expect(lists[0]).toEqual(['fallback/1', 'primary/2', 'secondary/1', 'secondary/2']);
    expect(readProcess(standby)?.state).not.toBe('T');
    await waitUntil(pool, () => pool.view().mode.converged);
    expect(traffic.ids).toEqual(VALIDATION);
    await waitUntilStopped(standby);
  });

  test('serves from the standby and heals when all four active workers are killed', async () => {
    bench = await createPoolBench({ initialMode: 'validation' });
    const { pool, traffic } = bench;
    await pool.start();
    const pids = pidsOf(pool);
    for (const id of VALIDATION) process.kill(pids.get(id)!, 'SIGKILL');
    await waitUntil(pool, () => traffic.ids.includes('fallback/1'));
    await waitUntil(pool, () => pool.view().mode.converged);
    expect(traffic.ids).toEqual(VALIDATION);
    expect(pidsOf(pool).get('fallback/1')).toBe(pids.get('fallback/1'));
    const fallback = pool.view().backends.find((backend) => backend.name === 'fallback');
    expect(fallback?.promotion?.routedMs).toBeGreaterThanOrEqual(0);
    expect(fallback?.promotion?.provenMs).toBeGreaterThanOrEqual(fallback!.promotion!.routedMs);
  });
});

describe('a pool that cannot start', () => {
  test('names the command when it is not found', async () => {
    bench = await createPoolBench({ command: ['no-such-program', '{port}'] });
    await expect(bench.pool.start()).rejects.toMatchObject({
      code: 'command-not-found',
      source: 'operator',
      message: expect.stringContaining('"no-such-program" was not found'),
    });
  });

  test('shows the last output when a worker exits at once', async () => {
    bench = await createPoolBench({ command: nodeWorker('exits-at-once') });
    await expect(bench.pool.start()).rejects.toMatchObject({
      code: 'worker-exited-at-start',
      message: expect.stringMatching(/code 3[^]*ModuleNotFoundError: no module named app/),
    });
  });

  test('gives up without progress when a worker never gets ready', async () => {
    bench = await createPoolBench({ command: nodeWorker('never-ready'), startTimeoutMs: 300 });
    await expect(bench.pool.start()).rejects.toMatchObject({
      code: 'start-timeout',
      message: expect.stringContaining('answered 503'),
    });
  });

  test('names the holder when a port is taken', async () => {
    bench = await createPoolBench();
    const holder = createServer().listen(bench.ports[1], '127.0.0.1');
    await once(holder, 'listening');
    await expect(bench.pool.start()).rejects.toMatchObject({
      code: 'port-in-use',
      message: expect.stringContaining(`process ${process.pid}`),
    });
    await once(holder.close(), 'close');
  });
});
