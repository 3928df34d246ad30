// What the pool writes down for a later Understudy, where it can't be written at first: on a machine in memory, with the
// processes of this one.
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { PoolMemory } from '../../pool/pool-memory.js';
import type { StateFile } from '../../pool/state-file.js';
import { silentLog } from '../../src/core/log.js';
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
  const memory = new PoolMemory({ put } as unknown as StateFile, { ...silentLog, error: note, info: note });
  const save = () => memory.save({ mode: 'production', wishes: new Map(), workers: [] });
  isFull = true;
  expect([save(), save(), save()]).toEqual([false, false, false]);
  isFull = false;
  expect([save(), save()]).toEqual([true, true]);
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
