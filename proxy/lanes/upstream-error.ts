// What the errors of connections to upstreams mean for us, Node's own in the fast lane and undici's in the full one: our code,
// whose doing it is, and whether anything listens there at all. The only place that knows them.

import { errorCode } from '../../src/core/errors.js';
import { OUR_SHORTAGES } from '../../src/core/shortages.js';
import type { Outcome } from '../breaker.js';
import type { ProblemCode } from '../problem.js';
import type { EndedBy } from '../request-record.js';

const CODES: Readonly<Record<string, ProblemCode>> = {
  ...Object.fromEntries(OUR_SHORTAGES.map((code) => [code, 'own-shortage'] as const)),
  ECONNREFUSED: 'connect-failed',
  ENOENT: 'connect-failed',
  EHOSTUNREACH: 'connect-failed',
  ENETUNREACH: 'connect-failed',
  ECONNRESET: 'upstream-reset',
  EPIPE: 'upstream-reset',
  UND_ERR_SOCKET: 'upstream-reset',
  UND_ERR_CONNECT_TIMEOUT: 'connect-timeout',
  UND_ERR_HEADERS_TIMEOUT: 'first-byte-timeout',
  UND_ERR_HEADERS_OVERFLOW: 'bad-response',
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'bad-response',
};

export function upstreamErrorCode(error: unknown): ProblemCode {
  // A parser's error has the parser's own code (HPE_...), or none.
  if (typeof error === 'object' && error !== null && 'name' in error && error.name === 'HTTPParserError')
    return 'bad-response';
  return CODES[errorCode(error) ?? ''] ?? 'upstream-reset';
}

/** Whose doing it is that a connection to an upstream could not be had, or was lost. */
export function culpritOf(code: ProblemCode): EndedBy {
  return code === 'own-shortage' ? 'proxy' : 'upstream';
}

/** What an attempt that failed so tells of its upstream. */
export function outcomeOf(cause: ProblemCode | 'failed-answer'): Outcome {
  return cause === 'upstream-drained' || cause === 'own-shortage' ? 'neutral' : 'failure';
}

/** Nothing listens there: no later request can fare better. */
export function isRefused(error: unknown): boolean {
  const code = errorCode(error);
  return code === 'ECONNREFUSED' || code === 'ENOENT';
}
