import { expect, test } from '@jest/globals';
import { judgeFailure, noFailures, type RestartHistory } from '../../pool/restart-policy.js';

const options = { initialBackoffMs: 100, maxBackoffMs: 1_000, jitter: 0.5, crashLoopLimit: 4, steadyAfterMs: 5_000 };
const context = { options: { ...options, crashLoopLimit: 100, jitter: 0 }, random: () => 0.5 };

test('the restart policy doubles the pause with each failure in a row, up to its limit', () => {
  let history: RestartHistory = noFailures;
  const delays: number[] = [];
  for (let failure = 0; failure < 6; failure++) {
    const verdict = judgeFailure(history, { servedMs: 10 }, context);
    history = verdict.history;
    if (verdict.kind === 'retry') delays.push(verdict.delayMs);
  }
  expect(delays).toEqual([100, 200, 400, 800, 1_000, 1_000]);
});

test('the restart policy forgets earlier failures when the worker served steadily', () => {
  const verdict = judgeFailure({ failures: 50 }, { servedMs: 5_000 }, context);
  expect(verdict).toMatchObject({ kind: 'retry', delayMs: 100, history: { failures: 1 } });
});

test('the restart policy speaks of a crash loop when the limit of failures in a row is reached', () => {
  const strict = { ...context, options };
  expect(judgeFailure({ failures: 2 }, { servedMs: 0 }, strict).kind).toBe('retry');
  expect(judgeFailure({ failures: 3 }, { servedMs: 0 }, strict).kind).toBe('crash-loop');
});

test.each([
  [0, 50],
  [0.5, 100],
  [0.999, 149.9],
])('the restart policy spreads the pause by its jitter when chance says %d', (chance, delayMs) => {
  const verdict = judgeFailure(noFailures, { servedMs: 0 }, { options, random: () => chance });
  expect(verdict).toMatchObject({ kind: 'retry', delayMs: expect.closeTo(delayMs, 5) });
});
