// What traffic is told of a pool whose backends somebody else runs: on a machine in memory.
import { afterEach, expect, test } from '@jest/globals';
import type { PoolOptions } from '../../pool/index.js';
import { planOptions } from '../support/observed-workers.js';
import { PoolRig } from '../support/pool-rig.js';

let rig: PoolRig;

afterEach(() => rig.end());

function optionsWith(weight: number): Partial<PoolOptions> {
  const modes = { production: { active: 1, workers: 1, standby: 0, temperature: 'hot' } } as const;
  return { modes, backends: [{ name: 'far', url: 'http://127.0.0.1:1', weight }] };
}

test('a weight is told, and told again when it changes', async () => {
  rig = new PoolRig(optionsWith(3));
  rig.runtime.probe = () => Promise.resolve({ kind: 'passed', status: 200 });
  await rig.start();
  await rig.pass(2_000);
  expect(rig.traffic.targets.map(({ weight }) => weight)).toEqual([3]);
  await rig.pool.applyOptions({ ...planOptions, ...optionsWith(5) });
  expect(rig.traffic.targets.map(({ weight }) => weight)).toEqual([5]);
});
