// A server that forks by itself, whose number of processes changes with the mode: on a machine in memory.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { PoolOptions } from '../../pool/index.js';
import { PoolRig } from '../support/pool-rig.js';

const options: Partial<PoolOptions> = {
  command: ['server', '{port}', '--workers', '{workers}'],
  modes: {
    production: { active: 3, workers: 1, standby: 0, temperature: 'hot' },
    busy: { active: 3, workers: 2, standby: 0, temperature: 'hot' },
  },
};
const ALL = ['fallback/1', 'primary/1', 'secondary/1'];

let rig: PoolRig;

beforeEach(async () => {
  rig = new PoolRig(options);
  await rig.start();
});

afterEach(async () => {
  for (const id of ALL) rig.traffic.release(id);
  await rig.end();
});

/** The number of processes that each was started with. */
function forks(): Record<string, string> {
  return Object.fromEntries(rig.runtime.living.map(({ spec }): [string, string] => [spec.id, spec.command[3]!]));
}

/** A switch whose first drain does not end yet. */
function beginSwitch(signal?: AbortSignal): Promise<unknown> {
  for (const id of ALL) rig.traffic.hold(id);
  return rig.pool.setMode('busy', signal === undefined ? {} : { signal });
}

describe('a server that forks by itself', () => {
  test('is left alone when a switch to another number of processes is superseded', async () => {
    const before = [...rig.runtime.living];
    const superseded = expect(beginSwitch()).rejects.toMatchObject({ code: 'switch-superseded' });
    await rig.pass(1_000);
    expect(rig.traffic.ids).toHaveLength(2);
    const back = rig.pool.setMode('production');
    await rig.pass(1_000);
    await Promise.all([superseded, back]);
    for (const id of ALL) rig.traffic.release(id);
    await rig.pass(20_000);
    expect(rig.runtime.living).toEqual(before);
    expect(rig.traffic.ids).toEqual(ALL);
  });

  test('is left alone when such a switch is rolled back, but for what it had replaced by then', async () => {
    const before = [...rig.runtime.living];
    const giveUp = new AbortController();
    const refused = expect(beginSwitch(giveUp.signal)).rejects.toThrow('changed my mind');
    await rig.pass(1_000);
    const drained = ALL.find((id) => !rig.traffic.ids.includes(id))!;
    rig.traffic.release(drained);
    await rig.pass(3_000);
    expect(forks()).toMatchObject({ [drained]: '2' });
    giveUp.abort(new Error('changed my mind'));
    await rig.pass(1_000);
    for (const id of ALL) rig.traffic.release(id);
    await rig.pass(20_000);
    await refused;
    expect(forks()).toEqual({ 'fallback/1': '1', 'primary/1': '1', 'secondary/1': '1' });
    const kept = before.filter(({ spec }) => spec.id !== drained);
    for (const process of kept) expect(process.alive).toBe(true);
  });

  test('is restarted with the number of the mode, one after the other', async () => {
    const begun = rig.traffic.applied.length;
    const switched = rig.pool.setMode('busy');
    await rig.pass(20_000);
    await switched;
    expect(forks()).toEqual({ 'fallback/1': '2', 'primary/1': '2', 'secondary/1': '2' });
    expect(Math.min(...rig.traffic.applied.slice(begun).map((ids) => ids.length))).toBe(2);
  });
});
