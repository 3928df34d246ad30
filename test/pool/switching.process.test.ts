// Switches that cannot be done, are given up, or are asked for in passing; and the operator's hand on one backend.
import { afterEach, describe, expect, test } from '@jest/globals';
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

describe('a switch', () => {
  test('is rolled back to exactly the old processes when a new worker cannot start', async () => {
    bench = await createPoolBench({ command: nodeWorker('second-fails:{worker}') });
    const { pool, traffic } = bench;
    await pool.start();
    const before = pidsOf(pool);
    await expect(pool.setMode('validation')).rejects.toMatchObject({
      code: 'switch-rolled-back',
      message: expect.stringMatching(/starting (primary|secondary)\/2 failed. The pool stays in production/),
    });
    expect(pidsOf(pool)).toEqual(before);
    expect(traffic.ids).toEqual(PRODUCTION);
    expect(pool.view().mode).toEqual({ current: 'production', target: 'production', converged: true });
  });

  test('is rolled back when its caller gives it up', async () => {
    bench = await createPoolBench({ command: nodeWorker('second-never-ready:{worker}') });
    const { pool } = bench;
    await pool.start();
    const before = pidsOf(pool);
    const giveUp = new AbortController();
    const switched = pool.setMode('validation', { signal: giveUp.signal });
    const refused = expect(switched).rejects.toThrow('changed my mind');
    giveUp.abort(new Error('changed my mind'));
    await refused;
    expect(pidsOf(pool)).toEqual(before);
  });

  test('gives way to the one asked for after it', async () => {
    bench = await createPoolBench();
    const { pool, traffic } = bench;
    await pool.start();
    const before = pidsOf(pool);
    const first = expect(pool.setMode('validation')).rejects.toMatchObject({ code: 'switch-superseded' });
    await pool.setMode('production');
    await first;
    await waitUntil(pool, () => pool.view().mode.converged);
    expect(pidsOf(pool)).toEqual(before);
    expect(traffic.ids).toEqual(PRODUCTION);
  });

  test('names the modes that exist when it is to one that does not', async () => {
    bench = await createPoolBench();
    await expect(bench.pool.setMode('nonsense')).rejects.toMatchObject({
      code: 'unknown-mode',
      message: expect.stringContaining('production, validation'),
    });
  });

  test('is refused with nothing touched when the budget has no room for it', async () => {
    bench = await createPoolBench({ budget: { workers: 3 } });
    await bench.pool.start();
    await expect(bench.pool.setMode('validation')).rejects.toMatchObject({ code: 'not-reachable' });
    expect(bench.pool.view().mode).toEqual({ current: 'production', target: 'production', converged: true });
  });

  test('restarts a server that forks by itself, one backend at a time, when its number of processes changes', async () => {
    const modes = {
      production: { active: 3, workers: 1, standby: 0, temperature: 'hot' },
      busy: { active: 3, workers: 2, standby: 0, temperature: 'hot' },
    } as const;
    bench = await createPoolBench({ command: [...nodeWorker('well'), '{workers}'], modes });
    const { pool, traffic } = bench;
    await pool.start();
    const before = pidsOf(pool);
    const begun = traffic.applied.length;
    await pool.setMode('busy');
    expect([...pidsOf(pool).keys()]).toEqual([...before.keys()]);
    for (const [id, pid] of pidsOf(pool)) expect(pid).not.toBe(before.get(id));
    expect(Math.min(...traffic.applied.slice(begun).map((ids) => ids.length))).toBe(2);
  });
});

describe('an operator', () => {
  test('takes a backend out, and the standby stands in for it, when it is drained by hand', async () => {
    bench = await createPoolBench({ initialMode: 'validation' });
    const { pool, traffic } = bench;
    await pool.start();
    await pool.drain('primary');
    expect(traffic.ids).toEqual(['fallback/1', 'secondary/1', 'secondary/2']);
    expect(pool.view().backends[0]).toMatchObject({
      role: 'standby',
      workers: [{ state: 'standby' }, { state: 'standby' }],
    });
    await pool.promote('primary');
    expect(traffic.ids).toContain('primary/1');
  });

  test('gets a new process for each worker, one at a time, when all are restarted', async () => {
    bench = await createPoolBench();
    const { pool, traffic } = bench;
    await pool.start();
    const before = pidsOf(pool);
    const begun = traffic.applied.length;
    await pool.restart(undefined);
    for (const [id, pid] of pidsOf(pool)) expect(pid).not.toBe(before.get(id));
    expect(Math.min(...traffic.applied.slice(begun).map((ids) => ids.length))).toBe(2);
  });

  test('is told the backends that exist when naming one that does not', async () => {
    bench = await createPoolBench();
    await expect(bench.pool.drain('third')).rejects.toMatchObject({
      code: 'unknown-backend',
      message: expect.stringContaining('primary, secondary, fallback'),
    });
  });

  test('revives a crash loop when restarting the backend', async () => {
    const restart = { initialBackoffMs: 5, maxBackoffMs: 5, jitter: 0, crashLoopLimit: 3, steadyAfterMs: 60_000 };
    const modes = { only: { active: 1, workers: 1, standby: 0, temperature: 'hot' } } as const;
    bench = await createPoolBench({ restart, modes, initialMode: 'only' });
    const { pool } = bench;
    await pool.start();
    const looping = () => pool.view().backends[0]!.workers[0]!;
    let killed = 0;
    for (let failure = 1; failure <= 3; failure++) {
      // Failed it is only for the length of its backoff, which may be over before anybody looks.
      await waitUntil(pool, () => looping().state === 'active' && looping().pid !== killed);
      killed = looping().pid!;
      process.kill(killed, 'SIGKILL');
    }
    await waitUntil(pool, () => looping().state === 'failed');
    expect(looping()).toMatchObject({ state: 'failed', lastError: expect.stringContaining('SIGKILL') });
    await pool.restart('primary');
    expect(looping()).toMatchObject({ state: 'active', restarts: 3 });
  });

  test('sees standby processes of a mode with two standby workers frozen together', async () => {
    const modes = { only: { active: 1, workers: 1, standby: 1, standbyWorkers: 2, temperature: 'frozen' } } as const;
    bench = await createPoolBench({ modes, initialMode: 'only' });
    await bench.pool.start();
    await waitUntilStopped(pidsOf(bench.pool).get('secondary/1')!);
    await waitUntilStopped(pidsOf(bench.pool).get('secondary/2')!);
  });
});
