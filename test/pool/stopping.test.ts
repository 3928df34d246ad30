// Several who stop one pool, while it starts: on a machine in memory.
import { beforeEach, expect, test } from '@jest/globals';
import { createPoolManager, type PoolManager } from '../../pool/index.js';
import { silentLog } from '../../src/core/log.js';
import { FakeWorkerRuntime } from '../support/fake-worker-runtime.js';
import { ManualClock } from '../support/manual-clock.js';
import { planOptions } from '../support/observed-workers.js';
import { passTime } from '../support/pass-time.js';
import { RecordingTraffic } from '../support/recording-traffic.js';

const GRACE_MS = planOptions.stop.graceMs;

let clock: ManualClock;
let runtime: FakeWorkerRuntime;
let pool: PoolManager;
let refused: Promise<void>;

/** The first start is under way: its workers have processes, which load and do not listen to a SIGTERM. */
beforeEach(async () => {
  clock = new ManualClock();
  runtime = new FakeWorkerRuntime(clock);
  runtime.readyAtOnce = false;
  runtime.onLaunch = (process) => (process.deaf = true);
  const traffic = new RecordingTraffic();
  pool = createPoolManager(planOptions, { clock, runtime, traffic, random: () => 0.5, log: silentLog });
  refused = expect(pool.start()).rejects.toMatchObject({ code: 'pool-stopping' });
  await passTime(clock, 1_000);
  expect(runtime.living).toHaveLength(3);
});

test('a pool that is stopped while its workers load ends them all, for whoever asked', async () => {
  const stops = [pool.stop({}), pool.stop({})];
  await passTime(clock, GRACE_MS);
  await Promise.all(stops);
  await refused;
  expect(runtime.living).toEqual([]);
  expect(clock.pendingTimers).toBe(0);
});

test('a second one that stops it may hurry', async () => {
  const hurry = new AbortController();
  const stops = [pool.stop({}), pool.stop({ hurry: hurry.signal })];
  await passTime(clock, 250);
  expect(runtime.living).toHaveLength(3);
  hurry.abort();
  await Promise.all(stops);
  await refused;
  expect(runtime.living).toEqual([]);
});
