// What becomes of a wish for one backend that can't come about, or is withdrawn before it has: on a machine in memory.
import { afterEach, describe, expect, test } from '@jest/globals';
import type { PoolOptions } from '../../pool/index.js';
import type { StateFile } from '../../pool/state-file.js';
import { planOptions } from '../support/observed-workers.js';
import { PoolRig } from '../support/pool-rig.js';

let rig: PoolRig;

async function start(options: Partial<PoolOptions> = {}, stateFile?: StateFile): Promise<void> {
  rig = new PoolRig(options, stateFile);
  await rig.start();
}

afterEach(async () => {
  rig.traffic.release('primary/1');
  await rig.end();
});

describe('a backend to be drained', () => {
  test('is refused at once, with the reason, when nothing can take its place', async () => {
    const alone = { production: { active: 1, workers: 1, standby: 0, temperature: 'hot' } } as const;
    await start({ backends: planOptions.backends.slice(0, 1), modes: alone });
    await expect(rig.pool.drain('primary')).rejects.toMatchObject({
      code: 'not-reachable',
      source: 'operator',
      message: expect.stringMatching(/Cannot drain primary: nothing can take its place.*keeps at least 1 in traffic/),
    });
    expect(rig.traffic.ids).toEqual(['primary/1']);
    expect(rig.pool.view().backends[0]).toMatchObject({ byHand: false, wished: 'active' });
  });

  test('leaves traffic when a standby takes its place', async () => {
    await start({ initialMode: 'validation' });
    await rig.pool.drain('primary');
    expect(rig.traffic.ids).toEqual(['fallback/1', 'secondary/1', 'secondary/2']);
  });

  test('is waited for in vain when the mode is asked for again before', async () => {
    await start();
    rig.traffic.hold('primary/1');
    const drained = expect(rig.pool.drain('primary')).rejects.toMatchObject({ code: 'wish-withdrawn' });
    await rig.pool.setMode('production');
    await drained;
    expect(rig.traffic.ids).toContain('primary/1');
  });

  test('is waited for in vain when it is promoted before', async () => {
    await start();
    rig.traffic.hold('primary/1');
    const drained = expect(rig.pool.drain('primary')).rejects.toMatchObject({ code: 'wish-withdrawn' });
    await rig.pool.promote('primary');
    await drained;
  });
});

describe('a backend that somebody else runs', () => {
  const far = { name: 'far', url: 'http://127.0.0.1:1' };
  const modes = { production: { active: 2, workers: 1, standby: 0, temperature: 'hot' } } as const;

  test('is refused a restart, with the reason', async () => {
    await start({ backends: [planOptions.backends[0]!, far], modes });
    await expect(rig.pool.restart('far')).rejects.toMatchObject({ code: 'not-restartable', source: 'operator' });
  });

  test('is not waited for when all are restarted, though it does not answer', async () => {
    await start({ backends: [planOptions.backends[0]!, far], modes });
    const before = rig.runtime.of('primary/1');
    const restarted = rig.pool.restart(undefined);
    await rig.pass(5_000);
    await restarted;
    expect(rig.runtime.of('primary/1')).not.toBe(before);
  });
});

describe('a wish for a backend that new options lack', () => {
  const [primary, secondary] = planOptions.backends;
  const fourth = { name: 'fourth', host: '127.0.0.1', port: 9_103 };

  function fallback() {
    return rig.pool.view().backends.find(({ name }) => name === 'fallback');
  }

  test('holds on when they are undone, and is forgotten when they stand', async () => {
    await start({ initialMode: 'validation' });
    await rig.pool.drain('fallback');
    rig.runtime.crashAtStart = true;
    const options = { ...planOptions, backends: [primary!, fourth, secondary!] };
    const refused = expect(rig.pool.applyOptions(options)).rejects.toMatchObject({ code: 'switch-rolled-back' });
    await rig.pass(60_000);
    await refused;
    expect(fallback()).toMatchObject({ byHand: true, wished: 'standby' });

    rig.runtime.crashAtStart = false;
    const applied = rig.pool.applyOptions({ ...planOptions, backends: planOptions.backends.slice(0, 2) });
    await rig.pass(10_000);
    await applied;
    const again = rig.pool.applyOptions(planOptions);
    await rig.pass(10_000);
    await again;
    expect(fallback()).toMatchObject({ byHand: false });
  });

  test('holds on when they are refused', async () => {
    await start({ initialMode: 'validation' });
    await rig.pool.drain('fallback');
    const modes = { validation: { ...planOptions.modes.validation!, standby: 0, workers: 3 } };
    const options = { ...planOptions, backends: [primary!, secondary!], modes, budget: { workers: 4 } };
    await expect(rig.pool.applyOptions(options)).rejects.toMatchObject({ code: 'not-reachable' });
    expect(fallback()).toMatchObject({ byHand: true });
  });
});

test('a drain by hand is forgotten, and told of, when new options lack who took its place', async () => {
  const backends = planOptions.backends.slice(0, 2);
  const mode = (active: number) => ({
    production: { active, workers: 1, standby: 0, temperature: 'hot' } as const,
  });
  await start({ backends, modes: mode(2) });
  await rig.pool.drain('primary');
  expect(rig.traffic.ids).toEqual(['secondary/1']);
  const applied = rig.pool.applyOptions({ ...planOptions, backends: backends.slice(0, 1), modes: mode(1) });
  await rig.pass(10_000);
  await applied;
  expect(rig.traffic.ids).toEqual(['primary/1']);
  expect(rig.pool.view().backends).toMatchObject([{ name: 'primary', byHand: false, role: 'active' }]);
  expect(rig.events).toContainEqual(
    expect.objectContaining({
      kind: 'request',
      backend: 'primary',
      cause: 'the operator asked to drain primary, which holds no longer',
      evidence: expect.stringMatching(/nothing can take its place/),
    }),
  );
});

test('a wish is written down once the mode that it was asked in stands, and no longer when that mode is left', async () => {
  let written: unknown;
  const file: Pick<StateFile, 'read' | 'put' | 'invalidate' | 'remove'> = {
    read: () => ({}),
    put: (_name, section) => (written = section),
    invalidate: () => undefined,
    remove: () => undefined,
  };
  await start({}, file as StateFile);
  rig.runtime.readyAtOnce = false;
  const switched = rig.pool.setMode('validation');
  const drained = rig.pool.drain('primary');
  await rig.pass(250);
  expect(written).toMatchObject({ mode: 'production', wishes: {} });
  for (const process of rig.runtime.living) process.ready = true;
  await rig.pass(5_000);
  await Promise.all([switched, drained]);
  expect(written).toMatchObject({ mode: 'validation', wishes: { primary: 'standby' } });
  rig.runtime.readyAtOnce = true;
  const left = rig.pool.setMode('production');
  await rig.pass(5_000);
  await left;
  expect(written).toMatchObject({ mode: 'production', wishes: {} });
});
