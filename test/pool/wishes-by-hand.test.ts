// What becomes of a wish for one backend that can't come about, or is withdrawn before it has: on a machine in memory.
import { afterEach, describe, expect, test } from '@jest/globals';
import { createPoolManager, type PoolManager } from '../../pool/index.js';
import type { PoolOptions } from '../../pool/options.js';
import { silentLog } from '../../src/core/log.js';
import { FakeWorkerRuntime } from '../support/fake-worker-runtime.js';
import { ManualClock } from '../support/manual-clock.js';
import { planOptions } from '../support/observed-workers.js';
import { passTime } from '../support/pass-time.js';
import { RecordingTraffic } from '../support/recording-traffic.js';

const clock = new ManualClock();
let traffic: RecordingTraffic;
let pool: PoolManager;

async function start(options: PoolOptions): Promise<void> {
  traffic = new RecordingTraffic();
  const runtime = new FakeWorkerRuntime(clock);
  pool = createPoolManager(options, { clock, runtime, traffic, random: () => 0.5, log: silentLog });
  const started = pool.start();
  await passTime(clock, 2_000);
  await started;
}

afterEach(async () => {
  traffic.release('primary/1');
  const stopped = pool.stop({});
  await passTime(clock, 15_000);
  await stopped;
});

describe('a backend to be drained', () => {
  test('is refused at once, with the reason, when nothing can take its place', async () => {
    const alone = { production: { active: 1, workers: 1, standby: 0, temperature: 'hot' } } as const;
    await start({ ...planOptions, backends: planOptions.backends.slice(0, 1), modes: alone });
    await expect(pool.drain('primary')).rejects.toMatchObject({
      code: 'not-reachable',
      source: 'operator',
      message: expect.stringMatching(/Cannot drain primary: nothing can take its place.*keeps at least 1 in traffic/),
    });
    expect(traffic.ids).toEqual(['primary/1']);
    expect(pool.view().backends[0]).toMatchObject({ byHand: false, wished: 'active' });
  });

  test('leaves traffic when a standby takes its place', async () => {
    await start({ ...planOptions, initialMode: 'validation' });
    await pool.drain('primary');
    expect(traffic.ids).toEqual(['fallback/1', 'secondary/1', 'secondary/2']);
  });

  test('is waited for in vain when the mode is asked for again before', async () => {
    await start(planOptions);
    traffic.hold('primary/1');
    const drained = expect(pool.drain('primary')).rejects.toMatchObject({ code: 'wish-withdrawn' });
    await pool.setMode('production');
    await drained;
    expect(traffic.ids).toContain('primary/1');
  });

  test('is waited for in vain when it is promoted before', async () => {
    await start(planOptions);
    traffic.hold('primary/1');
    const drained = expect(pool.drain('primary')).rejects.toMatchObject({ code: 'wish-withdrawn' });
    await pool.promote('primary');
    await drained;
  });
});
