// A standby that sleeps: falls asleep, wakes and proves it, and what happens when a hook fails; on a machine in memory.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { PoolOptions } from '../../pool/index.js';
import { planOptions } from '../support/observed-workers.js';
import { PoolRig } from '../support/pool-rig.js';

const http = { method: 'POST', timeoutMs: 1_000 };
const options: PoolOptions = {
  ...planOptions,
  initialMode: 'validation',
  modes: { validation: { active: 1, workers: 1, standby: 1, temperature: 'asleep' } },
  backends: planOptions.backends.slice(0, 2),
  sleepHooks: {
    demote: { ...http, path: '/sleep' },
    promote: { ...http, path: '/wake_up' },
    golden: { ...http, path: '/golden' },
  },
};

let rig: PoolRig;
/** Answers to the hooks by path, in words; undefined means that it is done. */
let answers: Record<string, string | undefined | Promise<undefined>>;

beforeEach(() => {
  rig = new PoolRig(options);
  answers = {};
  rig.runtime.onHook = async (hook) => ('path' in hook ? answers[hook.path] : undefined);
});

afterEach(() => rig.end());

function hooksRun(): string[] {
  return rig.runtime.hooks.map((hook) => hook.split(' ')[1]!);
}

function standby() {
  return rig.pool.view().backends[1]!.workers[0];
}

test('a mode stands once its standby is asleep', async () => {
  let fellAsleep = () => {};
  answers['/sleep'] = new Promise((resolve) => (fellAsleep = () => resolve(undefined)));
  const started = rig.pool.start();
  await rig.pass(2_000);
  expect(hooksRun()).toEqual(['/sleep']);
  expect(rig.pool.view().mode.converged).toBe(false);
  fellAsleep();
  await rig.pass(250);
  await started;
  expect(rig.pool.view().mode.converged).toBe(true);
  expect(rig.traffic.ids).toEqual(['primary/1']);
});

describe('when an active worker is lost', () => {
  test('the sleeping standby is woken, and gets no request before its golden request was answered', async () => {
    await rig.start();
    let golden = () => {};
    answers['/golden'] = new Promise((resolve) => (golden = () => resolve(undefined)));
    rig.runtime.crashAtStart = true;
    rig.runtime.of('primary/1')!.exit({ code: 1, signal: undefined });
    await rig.pass(500);
    expect(hooksRun()).toEqual(['/sleep', '/wake_up', '/golden']);
    expect(rig.traffic.ids).toEqual([]);
    golden();
    await rig.pass(250);
    expect(rig.traffic.ids).toEqual(['secondary/1']);
    // From the call, not from the moment that it was awake.
    expect(rig.pool.view().backends[1]!.promotion!.routedMs).toBeGreaterThanOrEqual(500);
    expect(rig.pool.view().backends[1]!.tiers.asleep!.ms).toBeGreaterThanOrEqual(500);
    rig.runtime.crashAtStart = false;
    await rig.pass(60_000);
    expect(rig.traffic.ids).toEqual(['primary/1']);
    expect(hooksRun().at(-1)).toBe('/sleep');
  });

  test('a standby that does not wake is replaced by a new process, and both reasons are told', async () => {
    await rig.start();
    const before = rig.runtime.of('secondary/1')!;
    answers['/golden'] = 'POST /golden was answered 500';
    rig.runtime.of('primary/1')!.exit({ code: 1, signal: undefined });
    await rig.pass(3_000);
    expect(before.alive).toBe(false);
    expect(rig.events).toContainEqual(
      expect.objectContaining({ worker: 'secondary/1', cause: 'it did not wake', evidence: answers['/golden'] }),
    );
    expect(standby()).toMatchObject({ restarts: 1, lastError: expect.stringContaining('did not wake') });
  });
});

test('a restart of the only active worker wakes the standby first, so that somebody serves all the time', async () => {
  await rig.start();
  const before = rig.runtime.of('primary/1')!;
  let golden = () => {};
  answers['/golden'] = new Promise((resolve) => (golden = () => resolve(undefined)));
  const restarted = rig.pool.restart('primary');
  await rig.pass(500);
  expect(rig.traffic.ids).toEqual(['primary/1']);
  golden();
  await rig.pass(1);
  expect(rig.traffic.ids).toContain('secondary/1');
  await rig.pass(30_000);
  await restarted;
  expect(before.alive).toBe(false);
  expect(rig.traffic.ids).toEqual(['primary/1']);
  expect(hooksRun()).toEqual(['/sleep', '/wake_up', '/golden', '/sleep']);
});

test('a standby that cannot be put to sleep rests cold, and is tried again with the next switch', async () => {
  answers['/sleep'] = 'POST /sleep was not answered within 1000 ms';
  await rig.start();
  expect(standby()).toMatchObject({
    state: 'off',
    lastError: expect.stringContaining('Cannot put secondary/1 to sleep'),
  });
  expect(rig.pool.view().mode.converged).toBe(true);
  expect(rig.events).toContainEqual(expect.objectContaining({ cause: 'it could not be put to sleep' }));
  delete answers['/sleep'];
  const switched = rig.pool.setMode('validation');
  await rig.pass(2_000);
  await switched;
  expect(standby()).toMatchObject({ state: 'standby' });
});

test('a rehearsal wakes it, proves it, puts it back to sleep, and is no change of shape', async () => {
  await rig.start();
  await rig.pass(planOptions.rehearseEveryMs + 1_000);
  expect(hooksRun()).toEqual(['/sleep', '/wake_up', '/golden', '/sleep']);
  expect(rig.pool.view().backends[1]!.tiers).toMatchObject({ asleep: { ms: expect.any(Number) } });
  expect(rig.traffic.ids).toEqual(['primary/1']);
  expect(rig.pool.view().mode.converged).toBe(true);
});

describe('a reload that takes the hooks away', () => {
  const { sleepHooks: _hooks, ...rest } = options;
  const modes = { validation: { active: 1, workers: 1, standby: 1, temperature: 'hot' } } as const;

  test('replaces the standby that sleeps, since nothing can wake it', async () => {
    await rig.start();
    const before = rig.runtime.of('secondary/1')!;
    const changed = rig.pool.applyOptions({ ...rest, modes });
    await rig.pass(5_000);
    await changed;
    expect(before.alive).toBe(false);
    expect(standby()).toMatchObject({ state: 'standby', restarts: 1 });
    expect(hooksRun()).toEqual(['/sleep']);
    expect(rig.pool.view().mode.converged).toBe(true);
  });

  test('ends the standby that can not be put to sleep any more', async () => {
    await rig.start();
    const before = rig.runtime.of('secondary/1')!;
    let golden = () => {};
    answers['/golden'] = new Promise((resolve) => (golden = () => resolve(undefined)));
    await rig.pass(planOptions.rehearseEveryMs);
    expect(hooksRun()).toEqual(['/sleep', '/wake_up', '/golden']);
    const changed = rig.pool.applyOptions(rest);
    golden();
    await rig.pass(2_000);
    await changed;
    expect(before.alive).toBe(false);
    expect(standby()).toMatchObject({ state: 'off', lastError: expect.stringContaining('Cannot put secondary/1') });
  });
});
