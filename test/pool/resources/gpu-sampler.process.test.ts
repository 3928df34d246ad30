// The sampler against stand-ins for nvidia-smi, honest and lying.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { runningHere } from '../../../pool/resources/run-with-deadline.js';
import { GpuSampler } from '../../../pool/resources/gpu-sampler.js';
import { listProcesses, commandOf } from '../../../pool/process-table.js';
import { systemClock, type Clock } from '../../../src/core/clock.js';
import { oneDevice, writeStandIn, type StandIn } from '../../support/stand-in-nvidia-smi.js';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'understudy-gpu-'));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

function samplerFor(standIn: StandIn | undefined, timeoutMs = 20_000): GpuSampler {
  const program = standIn === undefined ? join(folder, 'nvidia-smi') : writeStandIn(folder, standIn);
  return new GpuSampler({ clock: systemClock, run: runningHere(systemClock), intervalMs: 10, timeoutMs, program });
}

test('a device is seen with the processes that are on it', async () => {
  const sampler = samplerFor(oneDevice({ usedMiB: 300, processes: 'GPU-a, 77, 300\nGPU-other, 78, 10' }));
  const bytes = 300 * 1024 * 1024;
  expect(await sampler.ask()).toMatchObject({
    state: 'seen',
    devices: [
      { name: 'NVIDIA GeForce GTX 1650', memoryUsedBytes: bytes, processes: [{ pid: 77, memoryBytes: bytes }] },
    ],
  });
  expect(sampler.reading.state).toBe('seen');
});

test.each<[string, StandIn | undefined, string, RegExp]>([
  ['it is not there', undefined, 'none', /no nvidia-smi on PATH/],
  ['it finds no device', { kind: 'fails', code: 6, output: 'No devices were found' }, 'none', /sees no device/],
  ['it lists no device', { kind: 'answers', devices: '' }, 'none', /sees no device/],
  ['the driver is not loaded', { kind: 'fails', code: 9, output: 'failed' }, 'failing', /driver is not loaded/],
  ['it fails in an unknown way', { kind: 'fails', code: 77, output: 'Something new' }, 'failing', /77: Something new/],
  ['it prints garbage', { kind: 'answers', devices: 'Segmentation fault' }, 'failing', /something else than the CSV/],
  ['it never stops printing', { kind: 'endless' }, 'failing', /far more/],
])('the reading says so in words when %s', async (_, standIn, state, reason) => {
  expect(await samplerFor(standIn).ask()).toMatchObject({ state, reason: expect.stringMatching(reason) });
});

test('a query that hangs is killed with everything it started, and is asked for less and less', async () => {
  const sampler = samplerFor({ kind: 'hangs' }, 300);
  expect(await sampler.ask()).toMatchObject({ state: 'failing', reason: expect.stringContaining('300 ms') });
  const left = () => listProcesses().filter(({ pid }) => commandOf(pid)?.includes(folder) === true);
  while (left().length > 0) await new Promise((resolve) => setImmediate(resolve));
  // 300 ms of asking are paid for by a minute of pause, doubled since it failed.
  expect(sampler.coreShare).toBeLessThan(0.005);
});

test('a GPU that is not there is looked for again after five minutes', async () => {
  const pauses: number[] = [];
  const clock: Clock = {
    ...systemClock,
    startTimer: (delayMs, callback, options) => {
      pauses.push(delayMs);
      return systemClock.startTimer(delayMs, callback, options);
    },
  };
  const program = join(folder, 'nvidia-smi');
  const sampler = new GpuSampler({ clock, run: runningHere(clock), intervalMs: 10, timeoutMs: 5_000, program });
  await sampler.start();
  sampler.stop();
  expect(pauses.at(-1)).toBe(300_000);
});

test('two who ask at once share one query', async () => {
  const sampler = samplerFor(oneDevice());
  const [first, second] = await Promise.all([sampler.ask(), sampler.ask()]);
  expect(first).toBe(second);
});
