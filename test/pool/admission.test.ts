// Admission where it acts: in the plan, and in a pool whose machine has too little memory.
import { EventEmitter } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { PoolOptions } from '../../pool/index.js';
import { planSteps } from '../../pool/planner.js';
import type { ResourceReading } from '../../src/core/resource-reading.js';
import { planInput, planOptions, slots, THREE_BY_ONE } from '../support/observed-workers.js';
import { PoolRig } from '../support/pool-rig.js';
import { setImmediate } from 'node:timers/promises';

const MIB = 1024 ** 2;

describe('the plan', () => {
  const nothing = slots({});

  test('starts no more workers than there is room for', () => {
    const admission = { starts: 2, passing: false };
    const steps = planSteps(planInput('production', nothing, { admission }));
    expect(steps).toEqual([
      { kind: 'start', id: 'primary/1' },
      { kind: 'start', id: 'secondary/1' },
    ]);
  });

  test('starts nothing when there is no room', () => {
    const admission = { starts: 0, passing: false };
    const steps = planSteps(planInput('validation', THREE_BY_ONE, { admission, floor: 2, promised: 3 }));
    expect(steps.filter(({ kind }) => kind === 'start')).toEqual([]);
  });

  test('takes no worker from traffic for the sake of memory when the floor forbids it', () => {
    const admission = { starts: 0, passing: false };
    const steps = planSteps(planInput('validation', THREE_BY_ONE, { admission, floor: 3, promised: 3 }));
    expect(steps).toEqual([]);
  });
});

/** A GPU with so much memory free, on a machine with plenty of everything else. */
function readingWith(freeMiB: number): ResourceReading {
  const device = { index: 0, uuid: 'GPU-a', name: 'made', busyShare: 0, temperatureCelsius: 50, processes: [] };
  return {
    at: 0,
    machine: {
      cores: 2,
      cpuShare: 0,
      load: [],
      memory: { totalBytes: 1, availableBytes: 1, swapTotalBytes: 0, swapUsedBytes: 0 },
      pressure: undefined,
    },
    workers: [],
    self: { cores: 0, residentBytes: 0 },
    gpu: {
      state: 'seen',
      at: 0,
      devices: [{ ...device, memoryTotalBytes: 4_096 * MIB, memoryUsedBytes: (4_096 - freeMiB) * MIB }],
    },
    cost: { cpuMs: 0, gpuQueryMs: 0, coreShare: 0 },
  };
}

class MadeSource extends EventEmitter<{ sampled: [ResourceReading] }> {
  latest: ResourceReading = readingWith(4_000);
  /** What a look finds; the last sample may be older. */
  freeMiB = () => 4_000;

  say(freeMiB: number): void {
    this.freeMiB = () => freeMiB;
    this.sample();
  }

  sample(): void {
    this.latest = readingWith(this.freeMiB());
    this.emit('sampled', this.latest);
  }

  async refresh(): Promise<void> {
    await setImmediate();
    this.sample();
  }
}

describe('a pool whose workers need 1000 MiB of GPU memory each', () => {
  let dir: string;
  let source: MadeSource;
  let rig: PoolRig;

  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'understudy-admission-'));
    source = new MadeSource();
    createPool(planOptions.modes);
  });

  function createPool(modes: PoolOptions['modes']): void {
    rig = new PoolRig({ modes, stateDir: dir, memory: { expected: { gpuBytes: 1_000 * MIB }, allowed: {} } });
    rig.pool.watchResources(source);
  }

  afterEach(async () => {
    await rig.end();
    rmSync(dir, { recursive: true, force: true });
  });

  test('starts them one after the other', async () => {
    source.say(4_000);
    let most = 0;
    rig.runtime.onLaunch = () => {
      const workers = rig.pool.view().backends.flatMap((backend) => backend.workers);
      most = Math.max(most, workers.filter(({ state }) => state === 'starting').length);
    };
    await rig.start();
    expect(rig.runtime.living).toHaveLength(3);
    expect(most).toBe(1);
  });

  test('starts none on the word of a sample from before the last one had loaded', async () => {
    // A driver is asked seldom: nothing but the pool's own wish brings a new sample here.
    source.freeMiB = () => 2_500 - 1_000 * rig.runtime.living.length;
    source.sample();
    const started = expect(rig.pool.start()).rejects.toMatchObject({
      code: 'no-headroom',
      message: expect.stringMatching(/needs 1000 MiB of GPU memory at its peak, but 500 MiB is free/),
    });
    await rig.pass(12_000);
    source.sample();
    await rig.pass(5_000);
    await started;
    expect(rig.runtime.processes).toHaveLength(2);
  });

  test('refuses a switch with the numbers, and stays as it was, when the memory does not come free', async () => {
    source.say(4_000);
    await rig.start();
    source.say(300);
    const switched = expect(rig.pool.setMode('validation')).rejects.toMatchObject({
      code: 'no-headroom',
      message: expect.stringMatching(
        /needs 1000 MiB of GPU memory at its peak, but 300 MiB is free.*stays in production/,
      ),
    });
    await rig.pass(12_000);
    source.say(300);
    await rig.pass(2_000);
    await switched;
    expect(rig.runtime.living).toHaveLength(3);
    expect(rig.pool.view().mode).toMatchObject({ current: 'production', converged: true });
    expect(rig.events).toContainEqual(
      expect.objectContaining({
        kind: 'resources',
        cause: 'starts wait for memory',
        evidence: expect.stringContaining('300 MiB'),
      }),
    );
  });

  test('keeps to the budget of the mode that is wanted', async () => {
    const { production, validation } = planOptions.modes;
    createPool({ production: production!, validation: { ...validation!, allowed: { gpuBytes: 500 * MIB } } });
    source.say(4_000);
    await rig.start();
    const switched = expect(rig.pool.setMode('validation')).rejects.toMatchObject({
      code: 'no-headroom',
      message: expect.stringMatching(/500 MiB/),
    });
    await rig.pass(12_000);
    source.say(4_000);
    await rig.pass(2_000);
    await switched;
    expect(rig.pool.view().mode).toMatchObject({ current: 'production', converged: true });
  });

  test.each([
    ['promote', 'fallback', 'fallback/1'],
    ['restart', 'secondary', 'secondary/1'],
  ] as const)(
    'refuses to %s a backend with the numbers, and starts it once there is room',
    async (action, backend, id) => {
      const production = { active: 2, workers: 1, standby: 0, temperature: 'hot' } as const;
      createPool({ production, all: { ...production, active: 3 } });
      source.say(4_000);
      await rig.start();
      source.say(300);
      const asked = expect(rig.pool[action](backend)).rejects.toMatchObject({
        code: 'no-headroom',
        message: expect.stringMatching(
          new RegExp(`Cannot ${action} ${id}: a worker needs 1000 MiB of GPU memory at its peak, but 300 MiB is free`),
        ),
      });
      await rig.pass(12_000);
      source.say(300);
      await rig.pass(2_000);
      await asked;
      source.say(4_000);
      await rig.pass(5_000);
      expect(rig.traffic.ids).toContain(id);
    },
  );

  test('goes on by itself when the memory comes free in time', async () => {
    source.say(4_000);
    await rig.start();
    source.say(300);
    const switched = rig.pool.setMode('validation');
    await rig.pass(5_000);
    for (let second = 0; second < 10; second++) {
      source.say(3_000);
      await rig.pass(1_000);
    }
    await switched;
    expect(rig.runtime.living).toHaveLength(5);
  });
});
