// Workers that run as another user (through sudo, say), so that no signal of ours reaches them: on a machine in memory.
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { createPoolManager, type PoolEvent, type PoolManager } from '../../pool/index.js';
import { silentLog } from '../../src/core/log.js';
import { FakeWorkerRuntime } from '../support/fake-worker-runtime.js';
import { ManualClock } from '../support/manual-clock.js';
import { planOptions } from '../support/observed-workers.js';
import { passTime } from '../support/pass-time.js';
import { RecordingTraffic } from '../support/recording-traffic.js';

const CAUSE = 'its process may not be signalled, and lives on';

let clock: ManualClock;
let runtime: FakeWorkerRuntime;
let pool: PoolManager;
let traffic: RecordingTraffic;
let events: PoolEvent[];

beforeEach(async () => {
  clock = new ManualClock();
  runtime = new FakeWorkerRuntime(clock);
  traffic = new RecordingTraffic();
  events = [];
  const options = { ...planOptions, initialMode: 'validation' };
  pool = createPoolManager(options, { clock, runtime, traffic, random: () => 0.5, log: silentLog });
  pool.on('event', (event) => events.push(event));
  const started = pool.start();
  await pass(2_000);
  await started;
});

afterEach(async () => {
  for (const process of runtime.living) process.foreign = false;
  const stopped = pool.stop({});
  await pass(15_000);
  await stopped;
});

function pass(ms: number): Promise<void> {
  return passTime(clock, ms);
}

test('stopping the pool ends with the grace, the others are ended, and it is told who lives on', async () => {
  const foreign = runtime.of('primary/1')!;
  foreign.foreign = true;
  const stopped = pool.stop({});
  await pass(planOptions.stop.graceMs + 1_000);
  await stopped;
  expect(runtime.living).toEqual([foreign]);
  expect(events).toContainEqual(expect.objectContaining({ worker: 'primary/1', to: 'failed', cause: CAUSE }));
});

test('one that is to be replaced is left alone, and the standby serves in its place', async () => {
  const foreign = runtime.of('primary/1')!;
  foreign.foreign = true;
  foreign.silent = true;
  await pass(120_000);
  expect(traffic.ids).toEqual(['fallback/1', 'primary/2', 'secondary/1', 'secondary/2']);
  expect(runtime.living.filter(({ spec }) => spec.id === 'primary/1')).toEqual([foreign]);
  const view = pool.view().backends[0]!.workers[0]!;
  expect(view).toMatchObject({ state: 'failed', lastError: expect.stringContaining('runs as another user') });
});

test('a frozen standby is not rehearsed, and stays what it is', async () => {
  const standby = runtime.of('fallback/1')!;
  standby.foreign = true;
  await pass(planOptions.rehearseEveryMs + 5_000);
  expect(runtime.of('fallback/1')).toBe(standby);
  standby.foreign = false;
  await pass(planOptions.rehearseEveryMs + 5_000);
  expect(events).toContainEqual(expect.objectContaining({ kind: 'rehearsal', worker: 'fallback/1' }));
});
