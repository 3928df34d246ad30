// The monitor on this machine, with a real tree of processes.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from '@jest/globals';
import { runningHere } from '../../../pool/resources/run-with-deadline.js';
import { ResourceMonitor, type ProcessRoot } from '../../../pool/resources/resource-monitor.js';
import type { ResourceReading } from '../../../src/core/resource-reading.js';
import { systemClock } from '../../../src/core/clock.js';
import { silentLog } from '../../../src/core/log.js';
import { ManualClock } from '../../support/manual-clock.js';
import { oneDevice, writeStandIn } from '../../support/stand-in-nvidia-smi.js';

/** A parent that starts a child, which burns CPU; says when it does. */
const TREE = `
  const { spawn } = require('node:child_process');
  const child = spawn(process.execPath, ['-e', 'process.send("burning"); for (;;);'], { stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
  child.once('message', () => process.send(child.pid));
  setInterval(() => undefined, 1000);
`;

let parent: ChildProcess | undefined;
let monitor: ResourceMonitor | undefined;
let folder: string | undefined;

afterEach(() => {
  monitor?.stop();
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  folder = undefined;
  if (parent?.pid !== undefined) process.kill(-parent.pid, 'SIGKILL');
  parent = undefined;
});

function createMonitor(roots: readonly ProcessRoot[]): ResourceMonitor {
  const options = { intervalMs: 10, gpu: false, gpuTimeoutMs: 1_000 };
  return new ResourceMonitor(options, {
    clock: systemClock,
    run: runningHere(systemClock),
    log: silentLog,
    roots: () => roots,
  });
}

async function nextReading(from: ResourceMonitor): Promise<ResourceReading> {
  const [reading] = (await once(from, 'sampled')) as [ResourceReading];
  return reading;
}

test('requests have their turn between its looks', async () => {
  monitor = createMonitor([]);
  let turns = 0;
  const countTurn = () => {
    turns += 1;
    next = setImmediate(countTurn);
  };
  let next = setImmediate(countTurn);
  await monitor.sample();
  clearImmediate(next);
  expect(turns).toBeGreaterThanOrEqual(2);
});

test('the machine is read with its memory, load and pressure', async () => {
  monitor = createMonitor([]);
  await monitor.sample();
  const { machine, self, gpu } = await monitor.sample();
  expect(machine.cores).toBeGreaterThan(0);
  expect(machine.memory.totalBytes).toBeGreaterThan(machine.memory.availableBytes);
  expect(machine.memory.availableBytes).toBeGreaterThan(0);
  expect(machine.load).toHaveLength(3);
  expect(machine.pressure?.cpuSome).toBeGreaterThanOrEqual(0);
  expect(self.residentBytes).toBeGreaterThan(1_000_000);
  expect(gpu).toEqual({ state: 'off', reason: 'switched off in the config' });
});

test('the cost of a sample is told as a share of one core', async () => {
  monitor = createMonitor([]);
  const { cost } = await monitor.sample();
  expect(cost.cpuMs).toBeGreaterThan(0);
  expect(cost.coreShare).toBeCloseTo(cost.cpuMs / 10);
});

test('a worker has the GPU memory of all its processes', async () => {
  parent = spawn(process.execPath, ['-e', TREE], { detached: true, stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  const [child] = (await once(parent, 'message')) as [number];
  folder = mkdtempSync(join(tmpdir(), 'understudy-gpu-'));
  const processes = `GPU-a, ${parent.pid}, 100\nGPU-a, ${child}, 300\nGPU-a, 1, 50`;
  const gpuProgram = writeStandIn(folder, oneDevice({ processes }));
  const options = { intervalMs: 10, gpu: true, gpuTimeoutMs: 20_000, gpuProgram };
  const roots = () => [{ id: 'primary/1', pid: parent!.pid! }];
  monitor = new ResourceMonitor(options, { clock: systemClock, run: runningHere(systemClock), log: silentLog, roots });
  await monitor.start();
  expect(monitor.latest?.workers[0]?.gpuMemoryBytes).toBe(400 * 1024 ** 2);
});

test('a refresh looks at the GPU anew, and the rhythm goes on once', async () => {
  folder = mkdtempSync(join(tmpdir(), 'understudy-gpu-'));
  const gpuProgram = writeStandIn(folder, oneDevice({ usedMiB: 100 }));
  const clock = new ManualClock();
  const options = { intervalMs: 2_000, gpu: true, gpuTimeoutMs: 20_000, gpuProgram };
  monitor = new ResourceMonitor(options, { clock, run: runningHere(clock), log: silentLog, roots: () => [] });
  await monitor.start();
  const timers = clock.pendingTimers;
  writeStandIn(folder, oneDevice({ usedMiB: 300 }));
  await monitor.refresh();
  expect(monitor.latest?.gpu).toMatchObject({ devices: [{ memoryUsedBytes: 300 * 1024 ** 2 }] });
  expect(clock.pendingTimers).toBe(timers);
});

test('a worker is measured with everything that it started', async () => {
  parent = spawn(process.execPath, ['-e', TREE], { detached: true, stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  await once(parent, 'message');
  monitor = createMonitor([{ id: 'primary/1', pid: parent.pid! }]);
  void monitor.start();
  let reading = await nextReading(monitor);
  while (!((reading.workers[0]?.cores ?? 0) > 0)) reading = await nextReading(monitor);
  const [worker] = reading.workers;
  expect(worker).toMatchObject({ id: 'primary/1', pid: parent.pid, processes: 2 });
  expect(worker!.threads).toBeGreaterThan(2);
  expect(worker!.peakResidentBytes).toBeGreaterThanOrEqual(worker!.residentBytes);
  expect(reading.machine.cpuShare).toBeGreaterThan(0);
});

test('a worker that is gone is no longer in the reading', async () => {
  const pid = 2 ** 22 + 1;
  monitor = createMonitor([{ id: 'primary/1', pid }]);
  expect((await monitor.sample()).workers).toEqual([]);
});

test('nothing is left to come after the stop', async () => {
  const clock = new ManualClock();
  const options = { intervalMs: 10, gpu: false, gpuTimeoutMs: 1_000 };
  monitor = new ResourceMonitor(options, { clock, run: runningHere(clock), log: silentLog, roots: () => [] });
  void monitor.start();
  await nextReading(monitor);
  monitor.stop();
  await Promise.resolve();
  expect(clock.pendingTimers).toBe(0);
});
