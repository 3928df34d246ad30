// Whom a request may go to, best choice first: those that can take it and have not failed it, without those that are to
// be spared; then with them; then those that failed it already; and when failures have opened every breaker, those, since
// sending anyway beats refusing. Pure. The common case costs no allocation: the snapshot itself is the answer.

import { rampLimit } from './slow-start.js';
import type { Upstream } from './upstream.js';

export interface CandidateSource {
  /** Those that may get requests at all. */
  readonly eligible: readonly Upstream[];
  readonly slowStartMs: number;
  /** The last slow start ends then. */
  readonly rampingUntil: number;
}

const NONE: readonly Upstream[] = [];

export function candidatesAmong(source: CandidateSource, tried: readonly Upstream[], now: number): readonly Upstream[] {
  const { eligible, slowStartMs, rampingUntil } = source;
  const available = allAvailable(eligible) ? eligible : eligible.filter((upstream) => upstream.available);
  if (available.length === 0) return lastResort(eligible);
  const fresh = tried.length === 0 ? available : orElse(without(available, tried), available);
  return now < rampingUntil ? orElse(seasoned(fresh, now, slowStartMs), fresh) : fresh;
}

function allAvailable(eligible: readonly Upstream[]): boolean {
  for (let index = 0; index < eligible.length; index += 1) if (!eligible[index]!.available) return false;
  return true;
}

function without(upstreams: readonly Upstream[], tried: readonly Upstream[]): readonly Upstream[] {
  return upstreams.filter((upstream) => !tried.includes(upstream));
}

function orElse(wanted: readonly Upstream[], otherwise: readonly Upstream[]): readonly Upstream[] {
  return wanted.length > 0 ? wanted : otherwise;
}

/** Panic: only where no breaker is closed, and never to where nothing listens. */
function lastResort(eligible: readonly Upstream[]): readonly Upstream[] {
  for (const upstream of eligible) if (upstream.breaker.state === 'closed') return NONE;
  return eligible.filter((upstream) => upstream.breaker.admitsInPanic && !upstream.full);
}

/** Those not in slow start, and those in it that have room left in their ramp. */
function seasoned(upstreams: readonly Upstream[], now: number, slowStartMs: number): readonly Upstream[] {
  const ageOf = ({ rampFrom }: Upstream) => (rampFrom === undefined ? Infinity : now - rampFrom);
  let peerInflight = -1;
  for (const upstream of upstreams)
    if (ageOf(upstream) >= slowStartMs) peerInflight = Math.max(peerInflight, upstream.inflight);
  if (peerInflight < 0) return upstreams;
  return upstreams.filter((upstream) => {
    const ageMs = ageOf(upstream);
    return ageMs >= slowStartMs || upstream.inflight < rampLimit({ ageMs, windowMs: slowStartMs, peerInflight });
  });
}
