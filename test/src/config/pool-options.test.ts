import { expect, test } from '@jest/globals';
import { parseConfig } from '../../../src/config/parse-config.js';
import { toPoolOptions } from '../../../src/config/pool-options.js';

test("a mode's own budget goes before the pool's", () => {
  const mode = { active: 3 };
  const modes = { calm: mode, busy: { ...mode, budget: { ram: '1GiB', cpuShare: 0.25 } } };
  const command = ['serve', '{port}'];
  const options = toPoolOptions(parseConfig({ command, modes, budget: { ram: '2GiB', cpuShare: 0.5 } }));
  expect(options.memory?.allowed).toEqual({ ramBytes: 2 * 1024 ** 3 });
  expect(options.modes['calm']).toMatchObject({ allowed: {}, cpuShare: 0.5 });
  expect(options.modes['busy']).toMatchObject({ allowed: { ramBytes: 1024 ** 3 }, cpuShare: 0.25 });
});

test('workers have the usual weight, or their own, where any mode weighs its job', () => {
  const command = ['serve', '{port}'];
  const calm = { active: 3 };
  const busy = { ...calm, priority: { weight: 300 } };
  const prioritiesOf = (job: object) => {
    const { modes } = toPoolOptions(parseConfig({ command, modes: { production: calm, busy: { ...busy, job } } }));
    return [modes['production']?.priority, modes['busy']?.priority];
  };
  expect(prioritiesOf({ weight: 20 })).toEqual([{ weight: 100 }, { weight: 300 }]);
  expect(prioritiesOf({})).toEqual([{}, { weight: 300 }]);
});

test('workers have a cgroup of their own, by the usual weight, where memory is to be pushed out of it', () => {
  const modes = { production: { active: 2, standby: 1, pushOut: true } };
  const options = toPoolOptions(parseConfig({ command: ['serve', '{port}'], modes }));
  expect(options.modes['production']).toMatchObject({ pushOut: true, priority: { weight: 100 } });
});

function wedgedAfterOf(input: unknown): number | undefined {
  return toPoolOptions(parseConfig({ command: ['serve', '{port}'], ...(input as object) })).health.wedgedAfterMs;
}

test.each([
  ['well before a silent request is ended', {}, 90_000],
  ['later where answers are allowed more time', { deadlines: { firstByte: '10m' } }, 450_000],
  ['no sooner where they are allowed less', { deadlines: { firstByte: '20s' } }, 90_000],
  ['when the config says so', { health: { wedgedAfter: '5s' } }, 5_000],
  ['never when the config says so', { health: { wedgedAfter: '0s' } }, 0],
])('a silent worker counts as wedged %s', (_when, input, expected) => {
  expect(wedgedAfterOf(input)).toBe(expected);
});
