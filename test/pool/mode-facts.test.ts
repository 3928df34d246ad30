// What a mode says of workers besides their number: the environment of those that start in it, the priority of all, live,
// and whether the memory of a frozen standby goes.
import { getPriority } from 'node:os';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { PoolOptions } from '../../pool/index.js';
import { planOptions } from '../support/observed-workers.js';
import { PoolRig } from '../support/pool-rig.js';

const { production, validation } = planOptions.modes;
const options: Partial<PoolOptions> = {
  env: { OMP_NUM_THREADS: '8', KEPT: 'yes' },
  modes: {
    production: production!,
    validation: { ...validation!, env: { OMP_NUM_THREADS: '2' }, priority: { nice: 5 }, pushOut: true },
  },
  rehearseEveryMs: 0,
};

let rig: PoolRig;

beforeEach(async () => {
  rig = new PoolRig(options);
  await rig.start();
});

afterEach(() => rig.end());

/** Lets time pass until it is done. */
async function settled<T>(work: Promise<T>): Promise<T> {
  let done = false;
  void work.finally(() => (done = true));
  while (!done) await rig.pass(250);
  return work;
}

function environments(): Record<string, string | undefined> {
  return Object.fromEntries(rig.runtime.living.map(({ spec }) => [spec.id, spec.env['OMP_NUM_THREADS']]));
}

/** The last that each living process was given. */
function niceOf(): Record<string, number | undefined> {
  const lastOf = (pid: number) => rig.runtime.priorities.findLast((given) => given.pid === pid)?.priority.nice;
  return Object.fromEntries(rig.runtime.living.map(({ spec, pid }) => [spec.id, lastOf(pid)]));
}

test('the environment of a mode is that of the workers that start in it, and of no other', async () => {
  const before = { 'primary/1': '8', 'secondary/1': '8', 'fallback/1': '8' };
  expect(environments()).toEqual(before);
  await settled(rig.pool.setMode('validation'));
  expect(environments()).toEqual({ ...before, 'primary/2': '2', 'secondary/2': '2' });
  expect(rig.runtime.of('primary/2')!.spec.env['KEPT']).toBe('yes');
  // One that runs is left alone, but what takes its place is started in this mode.
  rig.runtime.of('primary/1')!.exit({ code: 1, signal: undefined });
  await settled(rig.pool.setMode('validation'));
  expect(environments()['primary/1']).toBe('2');
});

test('running workers get the priority of a mode with the switch, and lose it with the way back', async () => {
  const own = getPriority();
  expect(niceOf()).toEqual({ 'primary/1': own, 'secondary/1': own, 'fallback/1': own });
  await settled(rig.pool.setMode('validation'));
  expect(Object.values(niceOf())).toEqual([5, 5, 5, 5, 5]);
  await settled(rig.pool.setMode('production'));
  expect(niceOf()).toEqual({ 'primary/1': own, 'secondary/1': own, 'fallback/1': own });
});

test('what happens is told in its order: a standby rests, is frozen, and then the switch is done', async () => {
  await settled(rig.pool.setMode('validation'));
  const told = rig.events
    .filter(
      ({ worker, from, cause }) => (worker === 'fallback/1' && from !== undefined) || cause === 'the switch is done',
    )
    .map(({ kind, from, to, temperature }) => (kind === 'mode' ? kind : [from, to, temperature]));
  expect(told.slice(-4)).toEqual([
    ['active', 'draining', undefined],
    ['draining', 'standby', 'hot'],
    ['standby', 'standby', 'frozen'],
    'mode',
  ]);
});

test('a loss is told before what stands in for it, and after traffic was led there', async () => {
  await settled(rig.pool.setMode('validation'));
  const told: unknown[] = [];
  rig.pool.on('event', ({ worker, to }) => told.push([worker, to, rig.traffic.ids.includes('fallback/1')]));
  rig.runtime.of('primary/1')!.exit({ code: 1, signal: undefined });
  expect(told.slice(0, 2)).toEqual([
    ['primary/1', 'failed', true],
    ['fallback/1', 'active', true],
  ]);
});

describe('the memory of a standby that is frozen', () => {
  const told = (cause: string) => rig.events.find((event) => event.cause === cause);

  test('is pushed out until it is called back', async () => {
    const calls: (readonly [number | undefined, () => boolean])[] = [];
    rig.runtime.onPushOut = ({ pid }, isWanted) => {
      calls.push([pid, isWanted]);
      return Promise.resolve({ beforeBytes: 300 * 1024 ** 2, afterBytes: 40 * 1024 ** 2 });
    };
    await settled(rig.pool.setMode('validation'));
    expect(calls.map(([pid]) => pid)).toEqual([rig.runtime.of('fallback/1')!.pid]);
    const isWanted = calls[0]![1];
    expect(isWanted()).toBe(true);
    expect(told('its memory was pushed out')).toMatchObject({
      worker: 'fallback/1',
      evidence: '300 MiB before, 40 MiB after',
    });
    await settled(rig.pool.setMode('production'));
    expect(isWanted()).toBe(false);
    expect(calls).toHaveLength(1);
  });

  test('stays, and why is said, where it can not be', async () => {
    await settled(rig.pool.setMode('validation'));
    expect(told('its memory could not be pushed out')).toMatchObject({ evidence: 'there is no swap' });
    expect(rig.pool.view().mode).toMatchObject({ current: 'validation', converged: true });
  });
});
