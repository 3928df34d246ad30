// Switches, reloads and restarts of a pool in which several workers have failed: on a machine in memory.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { planOptions } from '../support/observed-workers.js';
import { PoolRig } from '../support/pool-rig.js';

const ALL = ['fallback/1', 'primary/1', 'secondary/1'];

let rig: PoolRig;

/** Each of them is in a crash loop, and is left alone. */
beforeEach(async () => {
  rig = new PoolRig();
  await rig.start();
  rig.runtime.crashAtStart = true;
  for (const process of rig.runtime.living) process.exit({ code: 1, signal: undefined });
  await rig.pass(600_000);
  expect(rig.pool.view().backends.flatMap(({ workers }) => workers.map(({ state }) => state))).toEqual([
    'failed',
    'failed',
    'failed',
  ]);
  rig.runtime.crashAtStart = false;
});

afterEach(() => rig.end());

describe('a pool whose workers have all failed', () => {
  test('takes other options, and starts them with these', async () => {
    const applied = rig.pool.applyOptions({ ...planOptions, command: ['repaired', '{port}'] });
    await rig.pass(5_000);
    await applied;
    expect(rig.traffic.ids).toEqual(ALL);
    expect(rig.runtime.living.map(({ spec }) => spec.command[0])).toEqual(['repaired', 'repaired', 'repaired']);
  });

  test('switches', async () => {
    const switched = rig.pool.setMode('validation');
    // The standby serves meanwhile, until the pool is steady.
    await rig.pass(30_000);
    await switched;
    expect(rig.traffic.ids).toEqual(['primary/1', 'primary/2', 'secondary/1', 'secondary/2']);
  });

  test('is restarted as one', async () => {
    const restarted = rig.pool.restart(undefined);
    await rig.pass(5_000);
    await restarted;
    expect(rig.traffic.ids).toEqual(ALL);
  });

  test('tells of a restart that fails again why', async () => {
    rig.runtime.crashAtStart = true;
    const refused = expect(rig.pool.restart(undefined)).rejects.toMatchObject({ code: 'worker-exited-at-start' });
    await rig.pass(5_000);
    await refused;
  });
});

test('of the switches that wait for a reload the newest alone is made', async () => {
  rig.runtime.readyAtOnce = false;
  const applied = rig.pool.applyOptions({ ...planOptions, command: ['repaired', '{port}'] });
  await rig.pass(250);
  const overtaken = expect(rig.pool.setMode('validation')).rejects.toMatchObject({ code: 'switch-superseded' });
  const back = rig.pool.setMode('production');
  for (const process of rig.runtime.living) process.ready = true;
  await rig.pass(5_000);
  await Promise.all([applied, overtaken, back]);
  expect(rig.events.filter(({ kind, to }) => kind === 'mode' && to === 'validation')).toEqual([]);
});
