import { expect, test } from '@jest/globals';
import type { StatusView } from '../../../src/admin/status-view.js';
import { comparePromises } from '../../../src/commands/promise-check.js';

test('each rehearsed way back into traffic is compared with its promise', () => {
  const tiers = { frozen: { ms: 340.4, at: 0 }, cold: { ms: 3_000, at: 0 } };
  const status = { backends: [{ name: 'fallback', tiers }] } as unknown as StatusView;
  const promises = { hot: 100, frozen: 250, asleep: 10_000, cold: 120_000 };
  expect(comparePromises(status, promises)).toEqual([
    {
      level: 'warn',
      text: expect.stringContaining('fallback: from frozen to an answer in 340 ms, but promises.frozen is 250 ms'),
    },
    { level: 'ok', text: 'fallback: from cold to an answer in 3.0 s (promises.cold is 120.0 s)' },
  ]);
});
