// Workers that run as another user (through sudo, say), so that no signal of ours reaches them: on a machine in memory.
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { planOptions } from '../support/observed-workers.js';
import { PoolRig } from '../support/pool-rig.js';

const CAUSE = 'its process may not be signalled, and lives on';

let rig: PoolRig;

beforeEach(async () => {
  rig = new PoolRig({ initialMode: 'validation' });
  await rig.start();
});

afterEach(async () => {
  // No stop of ours ends them: their own user does.
  const foreigners = rig.runtime.living.filter(({ foreign }) => foreign);
  for (const process of foreigners) process.exit({ code: 0, signal: undefined });
  await rig.end();
});

test('stopping the pool ends with the grace, the others are ended, and it is told who lives on', async () => {
  const foreign = rig.runtime.of('primary/1')!;
  foreign.foreign = true;
  const stopped = rig.pool.stop({});
  await rig.pass(planOptions.stop.graceMs + 1_000);
  await stopped;
  expect(rig.runtime.living).toEqual([foreign]);
  expect(rig.events).toContainEqual(expect.objectContaining({ worker: 'primary/1', to: 'failed', cause: CAUSE }));
});

test('one that is to be replaced is left alone, and the standby serves in its place', async () => {
  const foreign = rig.runtime.of('primary/1')!;
  foreign.foreign = true;
  foreign.silent = true;
  await rig.pass(120_000);
  expect(rig.traffic.ids).toEqual(['fallback/1', 'primary/2', 'secondary/1', 'secondary/2']);
  expect(rig.runtime.living.filter(({ spec }) => spec.id === 'primary/1')).toEqual([foreign]);
  const view = rig.pool.view().backends[0]!.workers[0]!;
  expect(view).toMatchObject({ state: 'failed', lastError: expect.stringContaining('runs as another user') });
});

test('a frozen standby is not rehearsed, and stays what it is', async () => {
  const standby = rig.runtime.of('fallback/1')!;
  standby.foreign = true;
  await rig.pass(planOptions.rehearseEveryMs + 5_000);
  expect(rig.runtime.of('fallback/1')).toBe(standby);
  standby.foreign = false;
  await rig.pass(planOptions.rehearseEveryMs + 5_000);
  expect(rig.events).toContainEqual(expect.objectContaining({ kind: 'rehearsal', worker: 'fallback/1' }));
});
