// Admission where it acts: in the plan, and in a pool whose machine has too little memory.
import { EventEmitter } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createPoolManager, type PoolEvent, type PoolManager, type PoolOptions } from '../../pool/index.js';
import { planSteps } from '../../pool/planner.js';
import { silentLog } from '../../src/core/log.js';
import type { ResourceReading } from '../../src/core/resource-reading.js';
import { FakeWorkerRuntime } from '../support/fake-worker-runtime.js';
import { ManualClock } from '../support/manual-clock.js';
import { planInput, planOptions, slots, THREE_BY_ONE } from '../support/observed-workers.js';
import { RecordingTraffic } from '../support/recording-traffic.js';
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
  let pool: PoolManager;
  const clock = new ManualClock();
  let source: MadeSource;
  let runtime: FakeWorkerRuntime;
  let events: PoolEvent[];

  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'understudy-admission-'));
    runtime = new FakeWorkerRuntime(clock);
    source = new MadeSource();
    events = [];
    createPool(planOptions.modes);
  });

  function createPool(modes: PoolOptions['modes']): void {
    const memory = { expected: { gpuBytes: 1_000 * MIB }, allowed: {} };
    const deps = { clock, traffic: new RecordingTraffic(), runtime, random: () => 0.5, log: silentLog };
    pool = createPoolManager({ ...planOptions, modes, stateDir: dir, memory }, deps);
    pool.watchResources(source);
    pool.on('event', (event) => events.push(event));
  }

  afterEach(async () => {
    const stopped = pool.stop({});
    await pass(10);
    await stopped;
    rmSync(dir, { recursive: true, force: true });
  });

  async function pass(seconds: number): Promise<void> {
    for (let second = 0; second < seconds; second++) {
      for (let turn = 0; turn < 4; turn++) await setImmediate();
      clock.advance(1_000);
    }
  }

  test('starts them one after the other', async () => {
    source.say(4_000);
    let most = 0;
    runtime.onLaunch = () => {
      const workers = pool.view().backends.flatMap((backend) => backend.workers);
      most = Math.max(most, workers.filter(({ state }) => state === 'starting').length);
    };
    const started = pool.start();
    await pass(10);
    await started;
    expect(runtime.living).toHaveLength(3);
    expect(most).toBe(1);
  });

  test('starts none on the word of a sample from before the last one had loaded', async () => {
    // A driver is asked seldom: nothing but the pool's own wish brings a new sample here.
    source.freeMiB = () => 2_500 - 1_000 * runtime.living.length;
    source.sample();
    const started = expect(pool.start()).rejects.toMatchObject({
      code: 'no-headroom',
      message: expect.stringMatching(/needs 1000 MiB of GPU memory at its peak, but 500 MiB is free/),
    });
    await pass(12);
    source.sample();
    await pass(5);
    await started;
    expect(runtime.processes).toHaveLength(2);
  });

  test('refuses a switch with the numbers, and stays as it was, when the memory does not come free', async () => {
    source.say(4_000);
    const started = pool.start();
    await pass(10);
    await started;
    source.say(300);
    const switched = expect(pool.setMode('validation')).rejects.toMatchObject({
      code: 'no-headroom',
      message: expect.stringMatching(
        /needs 1000 MiB of GPU memory at its peak, but 300 MiB is free.*stays in production/,
      ),
    });
    await pass(12);
    source.say(300);
    await pass(2);
    await switched;
    expect(runtime.living).toHaveLength(3);
    expect(pool.view().mode).toMatchObject({ current: 'production', converged: true });
    expect(events).toContainEqual(
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
    const started = pool.start();
    await pass(10);
    await started;
    const switched = expect(pool.setMode('validation')).rejects.toMatchObject({
      code: 'no-headroom',
      message: expect.stringMatching(/500 MiB/),
    });
    await pass(12);
    source.say(4_000);
    await pass(2);
    await switched;
    expect(pool.view().mode).toMatchObject({ current: 'production', converged: true });
  });

  test('goes on by itself when the memory comes free in time', async () => {
    source.say(4_000);
    const started = pool.start();
    await pass(10);
    await started;
    source.say(300);
    const switched = pool.setMode('validation');
    await pass(5);
    for (let second = 0; second < 10; second++) {
      source.say(3_000);
      await pass(1);
    }
    await switched;
    expect(runtime.living).toHaveLength(5);
  });
});
