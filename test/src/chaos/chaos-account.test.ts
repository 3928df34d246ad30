import { expect, test } from '@jest/globals';
import { ChaosAccount } from '../../../src/chaos/chaos-account.js';
import type { Outcome } from '../../../src/chaos/client-load.js';
import type { StatusView } from '../../../src/admin/status-view.js';
import { renderReport } from '../../../src/commands/chaos.js';

const request = { method: 'GET', path: '/' } as const;

function outcome(over: Partial<Outcome>): Outcome {
  return { request, startedAtMs: 0, durationMs: 10, avoidable: false, ...over };
}

function statusWithPromotion(routedMs: number): StatusView {
  const backend = { name: 'fallback', promotion: { routedMs, provenMs: 5 } };
  return { backends: [backend, { name: 'primary', promotion: null }] } as unknown as StatusView;
}

test('an account puts requests down to the act they ended in and tells which failures could have been saved', () => {
  const account = new ChaosAccount([]);
  account.beginAct('kill');
  account.noteOutcome(outcome({ durationMs: 30 }));
  account.noteOutcome(outcome({ failure: '502 upstream-reset', avoidable: true }));
  account.beginAct('reset');
  account.noteOutcome(outcome({ failure: 'other side closed within the answer' }));
  account.beginAct('kill');
  account.noteOutcome(outcome({}));
  const report = account.report([]);
  expect(report).toMatchObject({ requests: 4, failed: 2, avoidable: 1 });
  expect(report.acts).toEqual([
    { name: 'kill', times: 2, requests: 3, failed: 1, slowestMs: 30 },
    { name: 'reset', times: 1, requests: 1, failed: 1, slowestMs: 10 },
  ]);
  expect(renderReport(report)).toContain('4, 2 answered, 2 failed, 1 of these could have been saved');
});

test('an act that the instance refused is told with why, beside what came of the others', () => {
  const account = new ChaosAccount([]);
  account.beginAct('mode switch');
  account.noteRefusal('Cannot bring up validation: no room.');
  const report = account.report([]);
  expect(renderReport(report)).toMatch(/^refused {5}mode switch: Cannot bring up validation: no room\.$/m);
});

test('an account counts a promotion once however often the status shows it', () => {
  const account = new ChaosAccount([]);
  for (const routedMs of [1, 1, 2]) account.noteStatus(statusWithPromotion(routedMs));
  expect(account.report([]).promotions.map(({ routedMs }) => routedMs)).toEqual([1, 2]);
});
