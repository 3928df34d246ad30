import { expect, test } from '@jest/globals';
import { parseConfig } from '../../../src/config/parse-config.js';
import { toPoolOptions } from '../../../src/config/pool-options.js';

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
