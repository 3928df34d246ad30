// The one place that turns our error codes into HTTP answers: application/problem+json (RFC 9457) with the code, and
// the header x-understudy-reason, so that nobody takes them for the app's.

import { httpDate } from './http-date.js';

/** What a reverse proxy serves (RFC 9110 section 10.2.1); which of them an app has is the app's to say. */
export const ALLOWED_METHODS = 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS';

export interface ProblemKind {
  readonly status: number;
  readonly title: string;
  /** For 503: when to come back. */
  readonly retryAfterSeconds?: number;
  /** For 405, which must have it (RFC 9110 section 15.5.6). */
  readonly allow?: string;
}

const PROBLEMS = {
  'bad-request': { status: 400, title: 'The request is malformed' },
  'method-not-allowed': { status: 405, title: 'This method is not served here', allow: ALLOWED_METHODS },
  'body-too-large': { status: 413, title: 'The request body is too large' },
  'target-too-long': { status: 414, title: 'The request target is too long' },
  'expectation-failed': { status: 417, title: 'This expectation is not supported' },
  'head-too-large': { status: 431, title: 'The request head is too large' },
  'client-head-timeout': { status: 408, title: 'The request head did not arrive in time' },
  'client-body-timeout': { status: 408, title: 'The request body did not arrive in time' },
  'not-implemented': { status: 501, title: 'This method or transfer coding is not supported' },
  'version-not-supported': { status: 505, title: 'This HTTP version is not supported' },
  'loop-detected': { status: 508, title: 'The request has come through here before' },
  'connect-failed': { status: 502, title: 'The upstream could not be reached' },
  'upstream-reset': { status: 502, title: 'The upstream broke off before it answered' },
  'bad-response': { status: 502, title: 'The upstream answered with something that is not HTTP' },
  'connect-timeout': { status: 504, title: 'The upstream did not accept the connection in time' },
  'first-byte-timeout': { status: 504, title: 'The upstream did not answer in time' },
  'body-timeout': { status: 504, title: 'The upstream fell silent in its answer' },
  'not-a-stream': { status: 502, title: 'The answer is no event stream, but one had been begun' },
  'own-shortage': {
    status: 503,
    title: 'The proxy can open no connection to an upstream',
    retryAfterSeconds: 1,
  },
  'upstream-drained': { status: 502, title: 'The upstream was stopped before it had answered' },
  'queue-full': { status: 503, title: 'Too many requests are waiting', retryAfterSeconds: 1 },
  'queue-timeout': { status: 503, title: 'Nobody could take the request in time', retryAfterSeconds: 5 },
  shed: { status: 503, title: 'The machine is short of memory', retryAfterSeconds: 30 },
  'shutting-down': { status: 503, title: 'The proxy is stopping', retryAfterSeconds: 5 },
  'internal-error': { status: 500, title: 'The proxy made a mistake' },
} as const satisfies Record<string, ProblemKind>;

export type ProblemCode = keyof typeof PROBLEMS;

export function problemKind(code: ProblemCode): ProblemKind {
  return PROBLEMS[code];
}

export interface ProblemAnswer {
  readonly status: number;
  /** Name and value in turn. */
  readonly rawHeaders: readonly string[];
  readonly body: string;
}

/** `detail` says what exactly; `requestId` lets the operator find it in the log. */
export function problemAnswer(
  code: ProblemCode,
  options: { readonly detail?: string; readonly requestId?: string } = {},
): ProblemAnswer {
  const { status, title, retryAfterSeconds, allow } = problemKind(code);
  const { detail, requestId } = options;
  const body = JSON.stringify({ type: 'about:blank', title, status, code, detail, requestId });
  return {
    status,
    rawHeaders: [
      'Date',
      httpDate(),
      'Content-Type',
      'application/problem+json',
      'Content-Length',
      String(Buffer.byteLength(body)),
      'X-Understudy-Reason',
      code,
      ...(retryAfterSeconds === undefined ? [] : ['Retry-After', String(retryAfterSeconds)]),
      ...(allow === undefined ? [] : ['Allow', allow]),
      ...(requestId === undefined ? [] : ['X-Request-Id', requestId]),
    ],
    body,
  };
}
