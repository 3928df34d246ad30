// What the pool writes down for a later Understudy, where it can't be written at first: on a machine in memory, with the
// processes of this one.
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type { StateFile } from '../../pool/state-file.js';
import { StateSection } from '../../pool/state-section.js';
import { silentLog } from '../../src/core/log.js';
import { ManualClock } from '../support/manual-clock.js';
import { PoolRig } from '../support/pool-rig.js';

let rig: PoolRig;
let isFull: boolean;
let written: { readonly mode?: string } | undefined;

beforeEach(() => {
  isFull = false;
  written = undefined;
  const file: Pick<StateFile, 'read' | 'put' | 'invalidate' | 'remove'> = {
    read: () => ({}),
    put: (_name, section) => {
      if (isFull) throw new Error('no space left');
      written = section as typeof written;
    },
    invalidate: () => undefined,
    remove: () => undefined,
  };
  rig = new PoolRig({}, file as StateFile);
});

afterEach(() => rig.end());

test('trouble with it is told once as it begins, and once as it ends', () => {
  const told: string[] = [];
  const note = (_facts: unknown, message?: string) => void told.push(message ?? '');
  const put = () => {
    if (isFull) throw new Error('no space left');
  };
  const log = { ...silentLog, error: note, info: note };
  const content = () => ({ mode: 'production', workers: [] });
  const clock = new ManualClock();
  const section = new StateSection({
    name: 'pool',
    file: { put },
    content,
    clock,
    log,
    retryMs: 1_000,
    trouble: 'it could not be written',
  });
  isFull = true;
  for (let write = 0; write < 3; write++) section.write();
  isFull = false;
  for (let write = 0; write < 2; write++) section.write();
  expect(clock.pendingTimers).toBe(0);
  expect(told).toEqual([expect.stringMatching(/could not be written/), expect.stringMatching(/written again/)]);
});

test('it is written as soon as there is room, although nothing changes any more', async () => {
  await rig.start();
  expect(written).toMatchObject({ mode: 'production' });
  isFull = true;
  const switched = rig.pool.setMode('validation');
  await rig.pass(5_000);
  await switched;
  await rig.pass(20_000);
  expect(written).toMatchObject({ mode: 'production' });
  isFull = false;
  await rig.pass(6_000);
  expect(written).toMatchObject({ mode: 'validation' });
});
