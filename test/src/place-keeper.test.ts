import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { readProcessStat } from '../../src/core/process-stat.js';
import { silentLog } from '../../src/core/log.js';
import { PlaceKeeper } from '../../src/place-keeper.js';
import { ManualClock } from '../support/manual-clock.js';

let runtimeDir: string;
let clock: ManualClock;
let keeper: PlaceKeeper;
let whole: boolean;
let restored: number;
let trouble: Error | undefined;
let told: string[];

beforeEach(() => {
  runtimeDir = mkdtempSync(join(tmpdir(), 'understudy-place-'));
  clock = new ManualClock();
  [whole, restored, trouble, told] = [true, 0, undefined, []];
  const note = (fields: object, message: string) => void told.push(`${message} ${JSON.stringify(fields)}`);
  keeper = new PlaceKeeper({
    clock,
    log: { ...silentLog, warn: note, error: note },
    runtimeDir,
    isWhole: () => whole,
    async restore() {
      await setImmediate();
      if (trouble !== undefined) throw trouble;
      restored += 1;
      whole = true;
    },
  });
  keeper.start();
});

afterEach(() => {
  keeper.stop();
  rmSync(runtimeDir, { recursive: true, force: true });
});

async function look(): Promise<void> {
  clock.advance(5_000);
  await setImmediate();
  await setImmediate();
}

test('the place in the runtime folder is left alone while it is whole, and brought back each time it is not', async () => {
  await look();
  expect([restored, told]).toEqual([0, []]);
  for (const times of [1, 2]) {
    whole = false;
    await look();
    await look();
    expect(restored).toBe(times);
    expect(told).toHaveLength(times);
  }
});

test('what is in the way is told once, and the place comes back when it has gone', async () => {
  whole = false;
  trouble = new Error('it belongs to uid 7');
  await look();
  await look();
  expect(told).toEqual([expect.stringContaining('it belongs to uid 7')]);
  trouble = undefined;
  await look();
  expect(told).toEqual([expect.anything(), expect.stringContaining('they are back')]);
});

test('the place of another instance that lives is left to it for as long as it does', async () => {
  whole = false;
  const pidFile = join(runtimeDir, 'understudy.pid');
  writeFileSync(pidFile, `${process.ppid} ${readProcessStat(process.ppid)!.startTicks}\n`);
  await look();
  await look();
  expect(restored).toBe(0);
  expect(told).toEqual([expect.stringContaining(`another instance (pid ${process.ppid}) has ${runtimeDir} by now`)]);
  rmSync(pidFile);
  await look();
  expect(restored).toBe(1);
});

test('nothing is said of a place that is given up while it is brought back, and nobody looks again', async () => {
  whole = false;
  clock.advance(5_000);
  keeper.stop();
  await setImmediate();
  await setImmediate();
  expect(told).toEqual([]);
  expect(clock.pendingTimers).toBe(0);
});
