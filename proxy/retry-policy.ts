// Whether a failed attempt may be made again on another upstream. Pure: facts in, verdict out.

import type { Ledger } from './ledger.js';

export interface RequestFacts {
  readonly method: string;
  /** The raw path, for routes that are declared safe. */
  readonly path: string;
  /** The client vouches with an Idempotency-Key (draft-ietf-httpapi-idempotency-key-header). */
  readonly hasIdempotencyKey: boolean;
  /** The whole body is at hand again: there is none, or it fitted the replay buffer. */
  readonly replayable: boolean;
}

export type NoRepeatReason =
  'answer-begun' | 'not-idempotent' | 'body-not-replayable' | 'budget-spent' | 'too-many-attempts' | 'hung-twice';

export type RetryVerdict = { readonly repeat: true } | { readonly repeat: false; readonly reason: NoRepeatReason };

/** RFC 9110 section 9.2.2. */
const IDEMPOTENT_METHODS = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE']);

/** One request may meet this many dying upstreams before it gives up. */
const MAX_ATTEMPTS = 8;
/** So many where the last one has refused it: each of a large pool may, in the moment before it is known that all are dead. */
const MAX_ATTEMPTS_REFUSED = 64;
/** A second upstream that fell silent for so long over the same request may be the request's fault: there is no third. */
const MAX_HANGS = 2;
export const HANG_MS = 10_000;

export interface RetryContext {
  readonly attempts: number;
  /** Attempts that waited for `HANG_MS` or longer before they failed. */
  readonly hangs: number;
  readonly safeRoutes: readonly string[];
  /** Takes from the budget; only asked when everything else allows the repeat. */
  readonly trySpend: () => boolean;
}

export function judgeRepeat(facts: RequestFacts, ledger: Ledger, context: RetryContext): RetryVerdict {
  if (ledger.forwarded) return { repeat: false, reason: 'answer-begun' };
  if (ledger.sent !== 'nothing' && !isRepeatable(facts, context.safeRoutes))
    return { repeat: false, reason: 'not-idempotent' };
  if (!facts.replayable) return { repeat: false, reason: 'body-not-replayable' };
  const maxAttempts = ledger.sent === 'nothing' ? MAX_ATTEMPTS_REFUSED : MAX_ATTEMPTS;
  if (context.attempts >= maxAttempts) return { repeat: false, reason: 'too-many-attempts' };
  if (context.hangs >= MAX_HANGS) return { repeat: false, reason: 'hung-twice' };
  // What was never sent costs the pool nothing, so it costs no budget either.
  if (ledger.sent !== 'nothing' && !context.trySpend()) return { repeat: false, reason: 'budget-spent' };
  return { repeat: true };
}

/** Whether executing the request twice does no harm. */
export function isRepeatable(
  facts: Pick<RequestFacts, 'method' | 'path' | 'hasIdempotencyKey'>,
  safeRoutes: readonly string[],
): boolean {
  if (IDEMPOTENT_METHODS.has(facts.method) || facts.hasIdempotencyKey) return true;
  return safeRoutes.some((route) => facts.path.startsWith(route));
}
