// Answers that say "not me, not now": a failure to the breaker, and worth another try where somebody else may do better.

import type { Upstream } from '../upstream.js';
import type { UpstreamSet } from '../upstream-set.js';

export function isUpstreamFailure(status: number): boolean {
  return status === 502 || status === 503 || status === 504;
}

/** The upstream has answered, failing or wrongly, and would again: only others are worth another try. */
export function isAnswer(cause: string): boolean {
  return cause === 'failed-answer' || cause === 'bad-response';
}

/** Somebody other than `failed` and those tried before could take the request now. */
export function othersLeft(upstreams: UpstreamSet, failed: Upstream, tried: readonly Upstream[]): boolean {
  return upstreams.eligible.some((other) => other !== failed && other.available && !tried.includes(other));
}
