// The monitor on this machine, with a real tree of processes.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, expect, test } from '@jest/globals';
import { ResourceMonitor, type ProcessRoot } from '../../../pool/resources/resource-monitor.js';
import type { ResourceReading } from '../../../src/core/resource-reading.js';
import { systemClock } from '../../../src/core/clock.js';
import { silentLog } from '../../../src/core/log.js';
import { ManualClock } from '../../support/manual-clock.js';

/** A parent that starts a child, which burns CPU; says when it does. */
const TREE = `
  const { spawn } = require('node:child_process');
  const child = spawn(process.execPath, ['-e', 'process.send("burning"); for (;;);'], { stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
  child.once('message', () => process.send(child.pid));
  setInterval(() => undefined, 1000);
`;

let parent: ChildProcess | undefined;
let monitor: ResourceMonitor | undefined;

afterEach(() => {
  monitor?.stop();
  if (parent?.pid !== undefined) process.kill(-parent.pid, 'SIGKILL');
  parent = undefined;
});

function createMonitor(roots: readonly ProcessRoot[]): ResourceMonitor {
  const options = { intervalMs: 10, gpu: false, gpuTimeoutMs: 1_000 };
  return new ResourceMonitor(options, { clock: systemClock, log: silentLog, roots: () => roots });
}

async function nextReading(from: ResourceMonitor): Promise<ResourceReading> {
  const [reading] = (await once(from, 'sampled')) as [ResourceReading];
  return reading;
}

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
  monitor = new ResourceMonitor(options, { clock, log: silentLog, roots: () => [] });
  void monitor.start();
  await nextReading(monitor);
  monitor.stop();
  await Promise.resolve();
  expect(clock.pendingTimers).toBe(0);
});
