// Workers whose processes the kernel can't end (they hang in a driver), and ports that are not free at once: on a machine in
// memory.
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { planOptions } from '../support/observed-workers.js';
import { PoolRig } from '../support/pool-rig.js';

const { graceMs } = planOptions.stop;

let rig: PoolRig;

beforeEach(async () => {
  rig = new PoolRig();
  await rig.start();
});

afterEach(async () => {
  for (const process of rig.runtime.living) process.undying = false;
  await rig.end();
});

test('one that is to be replaced is left alone, and started again once its process has ended', async () => {
  const hung = rig.runtime.of('primary/1')!;
  hung.undying = true;
  const refused = expect(rig.pool.restart('primary')).rejects.toMatchObject({
    code: 'worker-undying',
    message: expect.stringContaining(`process ${hung.pid} does not end on SIGKILL`),
  });
  await rig.pass(graceMs + 15_000);
  await refused;
  expect(rig.traffic.ids).toEqual(['fallback/1', 'secondary/1']);
  hung.exit({ code: undefined, signal: 'SIGKILL' });
  await rig.pass(5_000);
  expect(rig.traffic.ids).toEqual(['fallback/1', 'primary/1', 'secondary/1']);
});

test('stopping the pool does not wait for it for ever', async () => {
  const hung = rig.runtime.of('primary/1')!;
  hung.undying = true;
  const stopped = rig.pool.stop({});
  await rig.pass(graceMs + 15_000);
  await stopped;
  expect(rig.runtime.living).toEqual([hung]);
  hung.exit({ code: undefined, signal: 'SIGKILL' });
});

test('a port that what a worker left behind still holds is waited for', async () => {
  const { runtime } = rig;
  let holders = 1;
  runtime.portHolder = () => Promise.resolve(holders > 0 ? 'process 4711' : undefined);
  runtime.remainsGone = () => {
    holders = 0;
    return Promise.resolve();
  };
  const restarted = rig.pool.restart('primary');
  await rig.pass(5_000);
  await restarted;
  expect(rig.traffic.ids).toContain('primary/1');
});

test('a port that somebody else holds is told', async () => {
  rig.runtime.portHolder = () => Promise.resolve('process 4711');
  const refused = expect(rig.pool.restart('primary')).rejects.toMatchObject({ code: 'port-in-use' });
  await rig.pass(5_000);
  await refused;
});
