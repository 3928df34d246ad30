import { expect, test } from '@jest/globals';
import { describeReload } from '../../../src/commands/reload.js';
import { changeText } from '../../../src/config/change-text.js';

test.each([
  ['slowStart', '10000', '5000', '10s -> 5s'],
  ['health.interval', '2000', '1500', '2s -> 1500ms'],
  ['startTimeout', '300000', '3600000', '5m -> 1h'],
  ['waitingRoom.keepAliveComments', undefined, '0', 'nothing -> 0s'],
  ['sleep.demote.timeout', '30000', undefined, '30s -> nothing'],
  ['expected.ram', undefined, '966367641600', 'nothing -> 900GiB'],
  ['limits.maxHead', '16384', '1500', '16KiB -> 1500B'],
  ['modes.validation.budget.ram', '5000000', '1', '5MB -> 1B'],
  ['limits.maxFields', '100', '60000', '100 -> 60000'],
  ['env.TIMEOUT', '"1000"', '"2000"', '"1000" -> "2000"'],
  ['env.toString', undefined, '"1000"', 'nothing -> "1000"'],
  ['front.tls', 'valid until 2026', 'valid until 2027', 'valid until 2026 -> valid until 2027'],
])('a change of %s is told as people write it', (path, before, after, text) => {
  expect(changeText({ path, before, after })).toBe(text);
});

test('a reload that was done is told in the units of the config', () => {
  const changes = [{ path: 'slowStart', before: '10000', after: '5000' }];
  const backends = { added: [], removed: [], replaced: [] };
  expect(describeReload({ changes, backends })).toBe('reloaded:\n  slowStart: 10s -> 5s\n');
});
