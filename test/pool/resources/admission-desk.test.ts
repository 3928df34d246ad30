// What the desk remembers between decisions: what was learnt, who is leaving, and what the last sample has not seen.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { AdmissionDesk, type AdmissionOptions } from '../../../pool/resources/admission-desk.js';
import type { GpuDevice, ResourceReading } from '../../../src/core/resource-reading.js';
import { ManualClock } from '../../support/manual-clock.js';
import { readingOf } from '../../support/resource-readings.js';

const MIB = 1024 ** 2;

let folder: string;
let clock: ManualClock;
let latest: ResourceReading | undefined;
let alive: Set<number>;
let refreshes: number;
let teaches: boolean;
/** What the next look finds. */
let next: () => ResourceReading;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'understudy-desk-'));
  clock = new ManualClock();
  latest = undefined;
  alive = new Set();
  refreshes = 0;
  teaches = true;
  next = () => reading();
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A device of 4000 MiB, and one worker. */
function reading({ usedMiB = 0, onGpu = [] as number[], residentMiB = 100 } = {}): ResourceReading {
  const base = readingOf({ gpuUsedShare: 0 }, 0);
  const processes = onGpu.map((pid) => ({ pid, memoryBytes: MIB }));
  const memory = { memoryTotalBytes: 4_000 * MIB, memoryUsedBytes: usedMiB * MIB };
  const device = {
    ...(base.gpu.state === 'seen' ? base.gpu.devices[0] : undefined),
    ...memory,
    processes,
  } as GpuDevice;
  const worker = { id: 'primary/1', pid: 7, cores: 0, processes: 1, threads: 1 };
  const bytes = { residentBytes: residentMiB * MIB, peakResidentBytes: residentMiB * MIB, gpuMemoryBytes: 900 * MIB };
  return { ...base, workers: [{ ...worker, ...bytes }], gpu: { state: 'seen', at: 0, devices: [device] } };
}

function openDesk(options: Partial<AdmissionOptions> = {}): AdmissionDesk {
  return new AdmissionDesk(
    { expected: {}, allowed: {}, stateDir: folder, command: ['serve'], ...options },
    {
      clock,
      latest: () => latest,
      availableBytes: () => 64_000 * MIB,
      isGroupAlive: (pid) => alive.has(pid),
      teaches: () => teaches,
      onHeld: () => undefined,
      onRefreshed: () => undefined,
      refresh: async () => {
        refreshes++;
        await setImmediate();
        latest = next();
      },
    },
  );
}

async function refreshed(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await setImmediate();
}

test('what workers needed is known to the next one with the same command, and to no other', () => {
  openDesk().noteSample(reading());
  latest = reading({ usedMiB: 3_500 });
  expect(openDesk().judge([])).toEqual({
    starts: 0,
    passing: false,
    reason: 'a worker needs 900 MiB of GPU memory at its peak, but 500 MiB is free',
  });
  expect(openDesk({ command: ['serve', '--small'] }).judge([]).starts).toBe(Infinity);
});

test('what is configured goes before what was learnt', () => {
  openDesk().noteSample(reading());
  latest = reading({ usedMiB: 3_500 });
  expect(openDesk({ expected: { gpuBytes: 400 * MIB } }).judge([]).starts).toBe(1);
});

test('a start waits until every process of a stopped worker is gone, and the driver has let go of it', async () => {
  const desk = openDesk({ expected: { gpuBytes: 400 * MIB } });
  latest = reading({ onGpu: [77] });
  next = () => reading({ onGpu: [77] });
  alive.add(77);
  desk.noteEnded(77);
  desk.judge([]);
  await refreshed();
  expect(desk.judge([])).toMatchObject({ starts: 0, passing: true, reason: expect.stringContaining('process 77') });
  alive.delete(77);
  expect(desk.judge([])).toMatchObject({ starts: 0, passing: true });
  // The driver is asked again, though not all the time.
  const before = refreshes;
  desk.judge([]);
  expect(refreshes).toBe(before);
  next = () => reading();
  clock.advance(1_000);
  desk.judge([]);
  await refreshed();
  expect(refreshes).toBe(before + 1);
  expect(desk.judge([]).starts).toBe(1);
});

test.each([
  ['the GPU is limited', { expected: { gpuBytes: 400 * MIB } }],
  ['the budget is', { expected: { ramBytes: 100 * MIB }, allowed: { ramBytes: 1_000 * MIB } }],
])('a worker that has settled since the last sample is looked at first where %s', async (_what, options) => {
  const desk = openDesk(options);
  latest = reading();
  expect(desk.judge([]).starts).toBeGreaterThan(0);
  next = () => reading({ usedMiB: 3_900, residentMiB: 950 });
  desk.noteSettled();
  expect(desk.judge([])).toEqual({ starts: 0, passing: true, reason: 'memory is being looked at' });
  await refreshed();
  expect(desk.judge([])).toMatchObject({ starts: 0, passing: false });
  expect(refreshes).toBe(1);
});

test('nobody is asked where free RAM alone decides', () => {
  const desk = openDesk({ expected: { ramBytes: 100 * MIB } });
  latest = reading();
  desk.noteSettled();
  expect(desk.judge([]).starts).toBeGreaterThan(0);
  expect(refreshes).toBe(0);
});

test('nothing is learnt of a worker that has run for long: it may leak', () => {
  teaches = false;
  openDesk().noteSample(reading());
  latest = reading({ usedMiB: 3_500 });
  expect(openDesk().judge([]).starts).toBe(Infinity);
});

test("a process that never goes, or whose number is another's by now, holds up starts for a minute at most", async () => {
  const desk = openDesk({ expected: { gpuBytes: 900 * MIB } });
  latest = reading();
  alive.add(7);
  desk.noteEnded(7);
  desk.judge([]);
  await refreshed();
  clock.advance(59_000);
  expect(desk.judge([]).reason).toBe('the memory of process 7 is not free yet');
  clock.advance(1_000);
  expect(desk.judge([]).reason).not.toBe('the memory of process 7 is not free yet');
});
