// The account of one request: what of its past decides whether it may be made again.
import { beforeEach, expect, test } from '@jest/globals';
import { RequestIds } from '../../proxy/headers/request-id.js';
import { RequestAccount } from '../../proxy/request-account.js';
import type { ProxyObserver } from '../../proxy/request-record.js';
import { RetryBudget } from '../../proxy/retry-budget.js';
import { HANG_MS, type RequestFacts } from '../../proxy/retry-policy.js';
import type { Upstream } from '../../proxy/upstream.js';
import { ManualClock } from '../support/manual-clock.js';

const GET: RequestFacts = { method: 'GET', path: '/', hasIdempotencyKey: false, replayable: true };
const UPSTREAM = { id: 'a/1' } as Upstream;
const SENT = { sent: 'all', forwarded: false } as const;

let clock: ManualClock;
let refusals: string[];
let account: RequestAccount;
let observer: Partial<ProxyObserver>;

beforeEach(() => {
  clock = new ManualClock();
  refusals = [];
  observer = {
    onRepeat: () => undefined,
    onRepeatRefused: (reason) => void refusals.push(reason),
  };
  account = new RequestAccount({
    clock,
    observer: observer as ProxyObserver,
    retryBudget: new RetryBudget({ share: 0, allowance: 10, reserve: 10 }),
    safeRoutes: [],
    requestIds: new RequestIds(() => 0),
  });
  account.begin(undefined);
});

/** One more upstream has it for so long, and fails. */
function failAfter(ms: number, cause = 'first-byte-timeout'): boolean {
  account.noteAdmitted(UPSTREAM, clock.now());
  clock.advance(ms);
  return account.tryRepeat(cause, GET, SENT);
}

test('a request over which two upstreams fell silent is not given to a third', () => {
  expect(failAfter(HANG_MS)).toBe(true);
  expect(failAfter(HANG_MS)).toBe(false);
  expect(refusals).toEqual(['hung-twice']);
});

test('upstreams that fail sooner, or were drained, do not count as silent', () => {
  expect(failAfter(HANG_MS - 1)).toBe(true);
  expect(failAfter(HANG_MS, 'upstream-drained')).toBe(true);
  expect(failAfter(HANG_MS)).toBe(true);
  expect(failAfter(HANG_MS - 1)).toBe(true);
  expect(refusals).toEqual([]);
});

test.each([
  ['with an error', () => account.record({ endedBy: 'upstream', status: 502, code: 'bad-response' })],
  ['as served', () => account.recordServed(200, clock.now())],
])('a request that is over %s is told once, and stays as it was told', (_how, end) => {
  const told: unknown[] = [];
  observer.onRequest = ({ endedBy, status, code, durationMs }) => void told.push({ endedBy, status, code, durationMs });
  clock.advance(5);
  end();
  const { endedBy, status, code, durationMs } = account;
  clock.advance(5);
  account.record({ endedBy: 'client', status: 499, code: 'other' });
  account.recordServed(204, clock.now());
  expect(told).toEqual([{ endedBy, status, code, durationMs }]);
  expect(durationMs).toBe(5);
  expect(account).toMatchObject({ endedBy, status, code, durationMs });
});
