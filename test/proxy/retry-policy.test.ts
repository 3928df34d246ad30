import { expect, test } from '@jest/globals';
import { judgeRepeat, type NoRepeatReason, type RequestFacts, type RetryContext } from '../../proxy/retry-policy.js';
import type { Ledger } from '../../proxy/ledger.js';

interface Case {
  readonly facts?: Partial<RequestFacts>;
  readonly ledger?: Partial<Ledger>;
  readonly context?: Partial<RetryContext>;
}

function verdictOf({ facts, ledger, context }: Case): NoRepeatReason | 'repeat' {
  const verdict = judgeRepeat(
    { method: 'GET', path: '/', hasIdempotencyKey: false, replayable: true, ...facts },
    { sent: 'all', forwarded: false, ...ledger },
    { attempts: 1, hangs: 0, safeRoutes: ['/safe'], trySpend: () => true, ...context },
  );
  return verdict.repeat ? 'repeat' : verdict.reason;
}

const POST = { method: 'POST' };
const broke = { trySpend: () => false };

test.each<[string, NoRepeatReason | 'repeat', Case]>([
  ['an idempotent request that was sent', 'repeat', {}],
  ['a POST of which nothing was sent', 'repeat', { facts: POST, ledger: { sent: 'nothing' } }],
  ['a POST that was sent in part', 'not-idempotent', { facts: POST, ledger: { sent: 'part' } }],
  ['a POST with an Idempotency-Key', 'repeat', { facts: { ...POST, hasIdempotencyKey: true } }],
  ['a POST on a safe route', 'repeat', { facts: { ...POST, path: '/safe/x' } }],
  ['a request whose answer the client has seen', 'answer-begun', { ledger: { forwarded: true } }],
  ['a request whose body is gone', 'body-not-replayable', { facts: { replayable: false } }],
  ['a request that met eight dying upstreams', 'too-many-attempts', { context: { attempts: 8 } }],
  ['a request that all of a large pool refused', 'repeat', { ledger: { sent: 'nothing' }, context: { attempts: 63 } }],
  [
    'a request that was refused again and again',
    'too-many-attempts',
    { ledger: { sent: 'nothing' }, context: { attempts: 64 } },
  ],
  ['a request over which one upstream fell silent', 'repeat', { context: { attempts: 2, hangs: 1 } }],
  ['a request over which a second upstream fell silent', 'hung-twice', { context: { attempts: 2, hangs: 2 } }],
  ['a request that was sent while the budget is spent', 'budget-spent', { context: broke }],
  [
    'a request that was never sent while the budget is spent',
    'repeat',
    { ledger: { sent: 'nothing' }, context: broke },
  ],
])('%s: %s', (_what, expected, given) => {
  expect(verdictOf(given)).toBe(expected);
});
