// A standby that is not even started before it is needed: its promotion counts from its start; on a machine in memory.
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { createPoolManager, type PoolManager } from '../../pool/index.js';
import { silentLog } from '../../src/core/log.js';
import { FakeWorkerRuntime } from '../support/fake-worker-runtime.js';
import { ManualClock } from '../support/manual-clock.js';
import { planOptions } from '../support/observed-workers.js';
import { passTime } from '../support/pass-time.js';
import { RecordingTraffic } from '../support/recording-traffic.js';

let clock: ManualClock;
let runtime: FakeWorkerRuntime;
let traffic: RecordingTraffic;
let pool: PoolManager;

beforeEach(() => {
  clock = new ManualClock();
  runtime = new FakeWorkerRuntime(clock);
  traffic = new RecordingTraffic();
  const options = {
    ...planOptions,
    initialMode: 'validation',
    modes: {
      validation: { active: 1, workers: 1, standby: 1, temperature: 'cold' },
      busy: { active: 1, workers: 2, standby: 1, temperature: 'cold' },
    },
    backends: planOptions.backends.slice(0, 2),
  } as const;
  pool = createPoolManager(options, { clock, runtime, traffic, random: () => 0.5, log: silentLog });
});

afterEach(async () => {
  const stopped = pool.stop({});
  await pass(15_000);
  await stopped;
  expect(clock.pendingTimers).toBe(0);
});

function pass(ms: number): Promise<void> {
  return passTime(clock, ms);
}

function promotionOf(backend: string) {
  return pool.view().backends.find(({ name }) => name === backend)!.promotion;
}

test('the promotion of a cold standby is timed from its start, and proved by its first answer in traffic', async () => {
  const started = pool.start();
  await pass(2_000);
  await started;
  expect(traffic.ids).toEqual(['primary/1']);
  expect(promotionOf('secondary')).toBeUndefined();

  runtime.of('primary/1')!.exit({ code: 1, signal: undefined });
  await pass(2_000);
  const { routedMs, provenMs } = promotionOf('secondary')!;
  expect(routedMs).toBeGreaterThan(0);
  expect(provenMs).toBeGreaterThanOrEqual(routedMs);
  // A start that the mode asks for is no promotion.
  expect(promotionOf('primary')).toBeUndefined();
});

/** It is lost, and its next processes end at their start for as long as the test lasts. */
function losePrimary(): void {
  runtime.onLaunch = (process) => {
    if (process.spec.backend === 'primary') queueMicrotask(() => process.exit({ code: 1, signal: undefined }));
  };
  runtime.of('primary/1')!.exit({ code: 1, signal: undefined });
}

test.each([
  ['has stood in since before it', { before: losePrimary, after: () => {} }],
  ['stands in since it began', { before: () => {}, after: losePrimary }],
])('a switch that fails is told while a cold standby %s', async (_when, { before, after }) => {
  const started = pool.start();
  await pass(2_000);
  await started;
  before();
  await pass(2_000);
  const refused = expect(pool.setMode('busy')).rejects.toMatchObject({ code: 'switch-rolled-back' });
  after();
  await pass(5_000);
  await refused;
  expect(traffic.ids).toEqual(['secondary/1']);
});
