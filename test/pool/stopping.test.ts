// A pool whose start is given up, by several who stop it or by whoever started it: on a machine in memory.
import { expect, test } from '@jest/globals';
import { planOptions } from '../support/observed-workers.js';
import { PoolRig } from '../support/pool-rig.js';

const GRACE_MS = planOptions.stop.graceMs;

let rig: PoolRig;
let refused: Promise<void>;

/** The first start is under way: its workers have processes, which load and do not listen to a SIGTERM. */
async function beginStart(): Promise<void> {
  rig = new PoolRig();
  rig.runtime.readyAtOnce = false;
  rig.runtime.onLaunch = (process) => (process.deaf = true);
  refused = expect(rig.pool.start()).rejects.toMatchObject({ code: 'pool-stopping' });
  await rig.pass(1_000);
  expect(rig.runtime.living).toHaveLength(3);
}

test('a pool that is stopped while its workers load ends them all, for whoever asked', async () => {
  await beginStart();
  const stops = [rig.pool.stop({}), rig.pool.stop({})];
  await rig.pass(GRACE_MS);
  await Promise.all(stops);
  await refused;
  rig.expectNothingLeft();
});

test('a second one that stops it may hurry', async () => {
  await beginStart();
  const hurry = new AbortController();
  const stops = [rig.pool.stop({}), rig.pool.stop({ hurry: hurry.signal })];
  await rig.pass(250);
  expect(rig.runtime.living).toHaveLength(3);
  hurry.abort();
  await Promise.all(stops);
  await refused;
  rig.expectNothingLeft();
});

test.each([
  ['before it began', 'before'],
  ['before its first worker is launched', 'after'],
])('a start that is given up %s starts nothing', async (_when, abort) => {
  rig = new PoolRig();
  const impatient = new AbortController();
  if (abort === 'before') impatient.abort(new Error('not any more'));
  const started = expect(rig.pool.start({ signal: impatient.signal })).rejects.toThrow('not any more');
  impatient.abort(new Error('not any more'));
  await rig.pass(1_000);
  await started;
  expect(rig.runtime.processes).toEqual([]);
  rig.expectNothingLeft();
});
