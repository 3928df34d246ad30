// What memory pressure does to a pool, on a machine in memory.
import { EventEmitter } from 'node:events';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type { PoolOptions } from '../../pool/index.js';
import type { ResourceReading } from '../../src/core/resource-reading.js';
import { planOptions } from '../support/observed-workers.js';
import { PoolRig } from '../support/pool-rig.js';
import { readingOf, type MemoryFacts } from '../support/resource-readings.js';

const hook = { method: 'POST', timeoutMs: 1_000 };
const options: Partial<PoolOptions> = {
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

let machine: Machine;
let rig: PoolRig;

beforeEach(async () => {
  machine = new Machine();
  rig = new PoolRig(options);
  rig.pool.watchResources(machine);
  await rig.start();
});

afterEach(() => rig.end());

async function sample(facts: MemoryFacts, times: number): Promise<void> {
  for (let count = 0; count < times; count += 1) {
    machine.sample(facts);
    await rig.pass(4_000);
  }
}

function temperature(): string {
  return rig.pool.view().backends[1]!.temperature;
}

test('starts pause, the standby freezes and falls asleep, batch is shed; what serves goes on serving', async () => {
  await sample({ memoryFull: 50 }, 1);
  expect(rig.pool.view().pressure).toEqual({
    acts: ['pause-starts'],
    evidence: 'for 50.0 % of the last 10 s everything waited for memory',
  });
  await sample({ memoryFull: 50 }, 1);
  expect(temperature()).toBe('frozen');
  await sample({ memoryFull: 50 }, 1);
  expect(temperature()).toBe('asleep');
  expect(rig.traffic.sheds).toBe(false);
  await sample({ memoryFull: 50 }, 1);
  expect(rig.traffic.sheds).toBe(true);
  expect(rig.traffic.ids).toEqual(['primary/1']);
  const told = rig.events.filter(({ kind }) => kind === 'pressure');
  expect(told.map(({ cause }) => cause)).toEqual([
    'memory is short: no worker is started',
    'memory is short: the standby is frozen',
    'memory is short: the standby is put to sleep',
    'memory is short: batch requests are turned away',
  ]);
  expect(told[0]!.rule).toContain('never end an active worker');

  await sample({ memoryFull: 0 }, 9);
  expect(rig.pool.view().pressure).toEqual({ acts: [], evidence: undefined });
  expect(temperature()).toBe('hot');
  expect(rig.traffic.sheds).toBe(false);
});

test('a wall clock that is set back holds up no step, neither forth nor back', async () => {
  await sample({ memoryFull: 50 }, 1);
  machine.at -= 3_600_000;
  await sample({ memoryFull: 50 }, 1);
  expect(rig.pool.view().pressure.acts).toEqual(['pause-starts', 'freeze-standby']);
  await sample({ memoryFull: 0 }, 1);
  machine.at -= 3_600_000;
  await sample({ memoryFull: 0 }, 2);
  expect(rig.pool.view().pressure.acts).toEqual([]);
});

test('a switch that needs more workers is refused with the numbers, and the old shape serves', async () => {
  await sample({ memoryFull: 50 }, 1);
  const switched = rig.pool.setMode('large').then(
    () => 'done',
    (error: Error) => error.message,
  );
  await rig.pass(4_000);
  await sample({ memoryFull: 50 }, 1);
  await rig.pass(8_000);
  await sample({ memoryFull: 50 }, 1);
  await rig.pass(1_000);
  expect(await switched).toMatch(/Cannot bring up large: memory is short: for 50\.0 %.*The pool stays in small/);
  expect(rig.traffic.ids).toEqual(['primary/1']);
});

test('what is in force is taken back when nobody is to look any more', async () => {
  await sample({ memoryFull: 50 }, 4);
  expect(rig.traffic.sheds).toBe(true);
  const { pressure: _pressure, ...without } = { ...planOptions, ...options };
  await rig.pool.applyOptions(without);
  await sample({ memoryFull: 50 }, 1);
  expect(rig.pool.view().pressure.acts).toEqual([]);
  expect(rig.traffic.sheds).toBe(false);
  await rig.pass(2_000);
  expect(temperature()).toBe('hot');
});
