// What the value of a flag has to be, said with the flag's name: where it is used, it is only a number any more.

import { leaseHolder, LONGEST_TTL_MS, SHORTEST_TTL_MS } from '../admin/lease-routes.js';
import { parseDuration } from '../config/quantities.js';
import { shownValue } from '../config/shown-value.js';
import { usageError } from './usage-error.js';
import { parseTtl } from './validate.js';

const SHORTEST_INTERVAL_MS = 100;
const LONGEST_INTERVAL_MS = 3_600_000;

/** Undefined stays so: the flag was not given. */
export function parsePortFlag(flag: string, text: unknown): number | undefined {
  return text === undefined
    ? undefined
    : parseWholeNumber(flag, text, { from: 0, to: 65_535, accepted: 'a port, 0 to 65535' });
}

export function parseCountFlag(flag: string, text: unknown): number {
  return parseWholeNumber(flag, text, { from: 1, to: 10_000, accepted: 'a whole number, 1 to 10000' });
}

/** The bounds of the admin API, which would name its own field. Milliseconds. */
export function parseTtlFlag(text: string): number {
  const ttlMs = parseTtl(text);
  if (ttlMs >= SHORTEST_TTL_MS && ttlMs <= LONGEST_TTL_MS) return ttlMs;
  throw usageError(
    `--ttl: '${text}' is not accepted; accepted: 1s to 24h; a command that takes longer keeps its lease.`,
  );
}

/** The bounds of the admin API here too. Undefined stays so: the flag was not given. */
export function parseHolderFlag(text: string | undefined): string | undefined {
  if (text === undefined || leaseHolder.safeParse(text).success) return text;
  throw usageError(
    `--holder: ${shownValue(text)} is not accepted; accepted: 1 to 200 characters, no control characters and line breaks.`,
  );
}

/** Of what is done again and again. Milliseconds. */
export function parseIntervalFlag(flag: string, text: string): number {
  const intervalMs = parseDuration(text);
  if (intervalMs !== undefined && intervalMs >= SHORTEST_INTERVAL_MS && intervalMs <= LONGEST_INTERVAL_MS)
    return intervalMs;
  throw usageError(`${flag}: '${text}' is not accepted; accepted: 100ms to 1h, such as 2s.`);
}

interface Range {
  readonly from: number;
  readonly to: number;
  readonly accepted: string;
}

/** A flag that is given twice comes as a list, which is no number either. */
function parseWholeNumber(flag: string, text: unknown, { from, to, accepted }: Range): number {
  const value = /^\d+$/.test(String(text)) ? Number(text) : NaN;
  if (value >= from && value <= to) return value;
  throw usageError(`${flag}: '${String(text)}' is not accepted; accepted: ${accepted}.`);
}
