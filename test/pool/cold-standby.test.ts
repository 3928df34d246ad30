// A standby that is not even started before it is needed: its promotion counts from its start; on a machine in memory.
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { planOptions } from '../support/observed-workers.js';
import { PoolRig } from '../support/pool-rig.js';

let rig: PoolRig;

beforeEach(async () => {
  rig = new PoolRig({
    initialMode: 'validation',
    modes: {
      validation: { active: 1, workers: 1, standby: 1, temperature: 'cold' },
      busy: { active: 1, workers: 2, standby: 1, temperature: 'cold' },
    },
    backends: planOptions.backends.slice(0, 2),
  });
  await rig.start();
});

afterEach(() => rig.end());

function promotionOf(backend: string) {
  return rig.pool.view().backends.find(({ name }) => name === backend)!.promotion;
}

test('the promotion of a cold standby is timed from its start, and proved by its first answer in traffic', async () => {
  expect(rig.traffic.ids).toEqual(['primary/1']);
  expect(promotionOf('secondary')).toBeUndefined();

  rig.runtime.of('primary/1')!.exit({ code: 1, signal: undefined });
  await rig.pass(2_000);
  const { routedMs, provenMs } = promotionOf('secondary')!;
  expect(routedMs).toBeGreaterThan(0);
  expect(provenMs).toBeGreaterThanOrEqual(routedMs);
  // A start that the mode asks for is no promotion.
  expect(promotionOf('primary')).toBeUndefined();
});

test.each(['primary', 'secondary', undefined])(
  'a restart of %s does not wait for a cold standby to run',
  async (backend) => {
    const before = rig.runtime.of('primary/1');
    const restarted = rig.pool.restart(backend);
    await rig.pass(30_000);
    await restarted;
    expect(rig.traffic.ids).toEqual(['primary/1']);
    expect(rig.runtime.of('primary/1') === before).toBe(backend === 'secondary');
  },
);

test('a restart of a cold standby that stands in is done once its process has ended', async () => {
  losePrimary();
  await rig.pass(2_000);
  const before = rig.runtime.of('secondary/1')!;
  const wasAlive = rig.pool.restart('secondary').then(() => before.alive);
  rig.runtime.onLaunch = () => {};
  await rig.pass(60_000);
  expect(await wasAlive).toBe(false);
  expect(rig.traffic.ids).toEqual(['primary/1']);
});

/** It is lost, and its next processes end at their start for as long as the test lasts. */
function losePrimary(): void {
  rig.runtime.onLaunch = (process) => {
    if (process.spec.backend === 'primary') queueMicrotask(() => process.exit({ code: 1, signal: undefined }));
  };
  rig.runtime.of('primary/1')!.exit({ code: 1, signal: undefined });
}

test.each([
  ['has stood in since before it', { before: losePrimary, after: () => {} }],
  ['stands in since it began', { before: () => {}, after: losePrimary }],
])('a switch that fails is told while a cold standby %s', async (_when, { before, after }) => {
  before();
  await rig.pass(2_000);
  const refused = expect(rig.pool.setMode('busy')).rejects.toMatchObject({ code: 'switch-rolled-back' });
  after();
  await rig.pass(5_000);
  await refused;
  expect(rig.traffic.ids).toEqual(['secondary/1']);
});
