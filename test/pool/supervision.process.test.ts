// What the pool notices by itself on real processes: a stopped one, an unmanaged one that comes and goes, a standby
// that no longer answers.
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { afterEach, describe, expect, test } from '@jest/globals';
import type { PoolEvent } from '../../pool/index.js';
import { freePorts } from '../support/free-port.js';
import {
  createPoolBench,
  leftOvers,
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

async function nextEvent(matches: (event: PoolEvent) => boolean): Promise<PoolEvent> {
  for (;;) {
    const [event] = (await once(bench.pool, 'event')) as [PoolEvent];
    if (matches(event)) return event;
  }
}

describe('a worker that somebody else stops', () => {
  test('is replaced, with the standby in its place meanwhile, though its port still accepts', async () => {
    bench = await createPoolBench({ initialMode: 'validation' });
    const { pool, traffic } = bench;
    await pool.start();
    const stopped = pidsOf(pool).get('primary/1')!;
    process.kill(stopped, 'SIGSTOP');
    await waitUntil(pool, () => !traffic.ids.includes('primary/1'));
    expect(traffic.ids).toContain('fallback/1');
    await waitUntil(pool, () => pool.view().mode.converged);
    expect(pidsOf(pool).get('primary/1')).not.toBe(stopped);
    expect(pool.view().backends[0]!.workers[0]).toMatchObject({
      restarts: 1,
      lastError: expect.stringContaining('state T'),
    });
  });
});

describe('a frozen standby', () => {
  test('is frozen again when its rehearsal has proved it', async () => {
    bench = await createPoolBench({ initialMode: 'validation', rehearseEveryMs: 50 });
    const { pool } = bench;
    await pool.start();
    const standby = pidsOf(pool).get('fallback/1')!;
    const event = await nextEvent(({ kind }) => kind === 'rehearsal');
    expect(event).toMatchObject({
      worker: 'fallback/1',
      evidence: expect.stringContaining('from frozen to its answer'),
    });
    await waitUntilStopped(standby);
    expect(pidsOf(pool).get('fallback/1')).toBe(standby);
  });

  test('is started anew when it dies in its sleep', async () => {
    bench = await createPoolBench({ initialMode: 'validation' });
    const { pool, traffic } = bench;
    await pool.start();
    const standby = pidsOf(pool).get('fallback/1')!;
    const applied = traffic.applied.length;
    process.kill(standby, 'SIGKILL');
    await waitUntil(pool, () => pidsOf(pool).get('fallback/1') !== standby && pool.view().mode.converged);
    await waitUntilStopped(pidsOf(pool).get('fallback/1')!);
    expect(traffic.applied.length).toBe(applied);
  });
});

describe('an unmanaged backend', () => {
  async function listen(port: number): Promise<Server> {
    const server = createServer((_, response) => response.end('well')).listen(port, '127.0.0.1');
    await once(server, 'listening');
    return server;
  }

  async function close(server: Server): Promise<void> {
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
  }

  test('gets traffic while it answers, and is neither started nor waited for when it does not', async () => {
    const [own, other] = await freePorts(2);
    const backends = [
      { name: 'own', host: '127.0.0.1', port: own! },
      { name: 'elsewhere', url: `http://127.0.0.1:${other}` },
    ];
    const modes = { both: { active: 2, workers: 1, standby: 0, temperature: 'hot' } } as const;
    bench = await createPoolBench({ backends, modes, initialMode: 'both' });
    const { pool, traffic } = bench;
    await pool.start();
    expect(traffic.ids).toEqual(['own/1']);
    const server = await listen(other!);
    await waitUntil(pool, () => traffic.ids.includes('elsewhere/1'));
    await close(server);
    await waitUntil(pool, () => !traffic.ids.includes('elsewhere/1'));
    const again = await listen(other!);
    await waitUntil(pool, () => traffic.ids.includes('elsewhere/1'));
    await pool.stop({});
    // Still there: it is not ours to stop.
    expect(await (await fetch(`http://127.0.0.1:${other}/`)).text()).toBe('well');
    await close(again);
  });
});
