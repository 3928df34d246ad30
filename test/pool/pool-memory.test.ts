// When the pool is written down for a later Understudy: against a state file that only counts.
import { beforeEach, expect, test } from '@jest/globals';
import { PoolMemory, type RememberedPool } from '../../pool/pool-memory.js';
import type { StateFile } from '../../pool/state-file.js';
import { nextTurn } from '../../src/core/clock.js';
import { silentLog } from '../../src/core/log.js';
import { ManualClock } from '../support/manual-clock.js';

let written: string[];
let removed: number;
let mode: string | undefined;
let isOurs: boolean;
let memory: PoolMemory;

beforeEach(() => {
  written = [];
  removed = 0;
  mode = 'production';
  isOurs = true;
  const file = {
    put: (_name: string, section: { readonly mode?: string }) => void written.push(section.mode ?? 'none'),
    invalidate: () => void written.push('invalidated'),
    remove: () => void removed++,
  } as unknown as StateFile;
  const pool = (): RememberedPool | undefined => (isOurs ? { mode, wishes: new Map(), workers: [] } : undefined);
  memory = new PoolMemory({ file, clock: new ManualClock(), log: silentLog, pool });
  memory.noteChanged(mode);
});

test('a mode is written down at once when it stands', () => {
  expect(written).toEqual(['production']);
  mode = 'validation';
  memory.noteChanged(mode);
  expect(written).toEqual(['production', 'validation']);
});

test('other changes are written once, after the turn of the event loop that they came in', async () => {
  memory.noteChanged(mode);
  memory.noteChanged(mode);
  expect(written).toEqual(['production']);
  await nextTurn();
  expect(written).toEqual(['production', 'production']);
});

test('nothing is written while the pool is not ours', async () => {
  isOurs = false;
  mode = 'validation';
  memory.noteChanged(mode);
  await nextTurn();
  expect(written).toEqual(['production']);
});

test.each([
  [true, 1],
  [false, 0],
])('nothing is written once it is closed; erase: %s', async (erase, removals) => {
  memory.noteChanged(mode);
  memory.close({ erase });
  await nextTurn();
  expect(written).toEqual(['production']);
  expect(removed).toBe(removals);
});

test('all of it is written anew for another Understudy, though nothing has changed: the file may be lost', async () => {
  await nextTurn();
  memory.writeAnew();
  expect(written).toEqual(['production', 'invalidated', 'production']);
});
