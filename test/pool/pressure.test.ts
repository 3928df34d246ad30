// What memory pressure does to a pool, on a machine in memory.
import { EventEmitter } from 'node:events';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { createPoolManager, type PoolEvent, type PoolManager, type PoolOptions } from '../../pool/index.js';
import { silentLog } from '../../src/core/log.js';
import type { ResourceReading } from '../../src/core/resource-reading.js';
import { FakeWorkerRuntime } from '../support/fake-worker-runtime.js';
import { ManualClock } from '../support/manual-clock.js';
import { planOptions } from '../support/observed-workers.js';
import { passTime } from '../support/pass-time.js';
import { RecordingTraffic } from '../support/recording-traffic.js';
import { readingOf, type MemoryFacts } from '../support/resource-readings.js';

const hook = { method: 'POST', timeoutMs: 1_000 };
const options: PoolOptions = {
  ...planOptions,
  initialMode: 'small',
  modes: {
    small: { active: 1, workers: 1, standby: 1, temperature: 'hot' },
    large: { active: 2, workers: 2, standby: 0, temperature: 'hot' },
  },
  backends: planOptions.backends.slice(0, 2),
  rehearseEveryMs: 0,
  sleepHooks: {
    demote: { ...hook, path: '/sleep' },
    promote: { ...hook, path: '/wake_up' },
    golden: { ...hook, path: '/golden' },
  },
  pressure: { memoryFullPercent: 10, lowestAvailableShare: 0.04, relaxAfterMs: 4_000 },
};

class Machine extends EventEmitter<{ sampled: [ResourceReading] }> {
  latest: ResourceReading | undefined;
  /** By its wall clock. */
  at = 1_700_000_000_000;

  refresh(): Promise<void> {
    return Promise.resolve();
  }

  sample(facts: MemoryFacts): void {
    this.at += 4_000;
    this.latest = readingOf(facts, this.at);
    this.emit('sampled', this.latest);
  }
}

let clock: ManualClock;
let machine: Machine;
let traffic: RecordingTraffic;
let pool: PoolManager;
let events: PoolEvent[];

beforeEach(async () => {
  clock = new ManualClock();
  traffic = new RecordingTraffic();
  machine = new Machine();
  events = [];
  const runtime = new FakeWorkerRuntime(clock);
  pool = createPoolManager(options, { clock, runtime, traffic, random: () => 0.5, log: silentLog });
  pool.on('event', (event) => events.push(event));
  pool.watchResources(machine);
  const started = pool.start();
  await pass(2_000);
  await started;
});

afterEach(async () => {
  const stopped = pool.stop({});
  await pass(15_000);
  await stopped;
});

function pass(ms: number): Promise<void> {
  return passTime(clock, ms);
}

async function sample(facts: MemoryFacts, times: number): Promise<void> {
  for (let count = 0; count < times; count += 1) {
    machine.sample(facts);
    await pass(4_000);
  }
}

function temperature(): string {
  return pool.view().backends[1]!.temperature;
}

test('starts pause, the standby freezes and falls asleep, batch is shed; what serves goes on serving', async () => {
  await sample({ memoryFull: 50 }, 1);
  expect(pool.view().pressure).toEqual({
    acts: ['pause-starts'],
    evidence: 'for 50.0 % of the last 10 s everything waited for memory',
  });
  await sample({ memoryFull: 50 }, 1);
  expect(temperature()).toBe('frozen');
  await sample({ memoryFull: 50 }, 1);
  expect(temperature()).toBe('asleep');
  expect(traffic.sheds).toBe(false);
  await sample({ memoryFull: 50 }, 1);
  expect(traffic.sheds).toBe(true);
  expect(traffic.ids).toEqual(['primary/1']);
  const told = events.filter(({ kind }) => kind === 'pressure');
  expect(told.map(({ cause }) => cause)).toEqual([
    'memory is short: no worker is started',
    'memory is short: the standby is frozen',
    'memory is short: the standby is put to sleep',
    'memory is short: batch requests are turned away',
  ]);
  expect(told[0]!.rule).toContain('never end an active worker');

  await sample({ memoryFull: 0 }, 9);
  expect(pool.view().pressure).toEqual({ acts: [], evidence: undefined });
  expect(temperature()).toBe('hot');
  expect(traffic.sheds).toBe(false);
});

test('a wall clock that is set back holds up no step, neither forth nor back', async () => {
  await sample({ memoryFull: 50 }, 1);
  machine.at -= 3_600_000;
  await sample({ memoryFull: 50 }, 1);
  expect(pool.view().pressure.acts).toEqual(['pause-starts', 'freeze-standby']);
  await sample({ memoryFull: 0 }, 1);
  machine.at -= 3_600_000;
  await sample({ memoryFull: 0 }, 2);
  expect(pool.view().pressure.acts).toEqual([]);
});

test('a switch that needs more workers is refused with the numbers, and the old shape serves', async () => {
  await sample({ memoryFull: 50 }, 1);
  const switched = pool.setMode('large').then(
    () => 'done',
    (error: Error) => error.message,
  );
  await pass(4_000);
  await sample({ memoryFull: 50 }, 1);
  await pass(8_000);
  await sample({ memoryFull: 50 }, 1);
  await pass(1_000);
  expect(await switched).toMatch(/Cannot bring up large: memory is short: for 50\.0 %.*The pool stays in small/);
  expect(traffic.ids).toEqual(['primary/1']);
});
