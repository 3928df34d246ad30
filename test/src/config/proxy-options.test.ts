import { expect, test } from '@jest/globals';
import { parseConfig } from '../../../src/config/parse-config.js';
import { toPoolOptions } from '../../../src/config/pool-options.js';
import { toProxyOptions } from '../../../src/config/proxy-options.js';

const command = ['serve', '{port}'];
const NAMES = ['clientHead', 'clientIdle', 'connect', 'firstByte', 'bodyIdle', 'upstreamIdle'];

test('a deadline of 0s is none, whatever it is for', () => {
  const deadlines = Object.fromEntries(NAMES.map((name) => [name, '0s']));
  const config = parseConfig({ command, deadlines, startTimeout: '0s' });
  expect(Object.values(toProxyOptions(config).deadlines)).toEqual(NAMES.map(() => Infinity));
  const pool = toPoolOptions(config);
  expect(pool.startTimeoutMs).toBe(Infinity);
  // Whoever lets answers take for ever means it.
  expect(pool.health.wedgedAfterMs).toBe(0);
});

test('a try that could never succeed is refused', () => {
  expect(() => parseConfig({ command, health: { timeout: '0s' } })).toThrow(/health\.timeout.*10ms or more/);
});

test('a backend that somebody else runs has the weight that it is given', () => {
  const config = parseConfig({
    backends: [{ name: 'far', url: 'http://127.0.0.1:1', weight: 3 }],
    modes: { only: { active: 1 } },
  });
  expect(toPoolOptions(config).backends).toEqual([{ name: 'far', url: 'http://127.0.0.1:1', weight: 3 }]);
});
