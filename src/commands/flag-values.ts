// What the value of a flag has to be, said with the flag's name: where it is used, it is only a number any more.

import { LONGEST_TTL_MS, SHORTEST_TTL_MS } from '../admin/lease-routes.js';
import { usageError } from './usage-error.js';
import { parseTtl } from './validate.js';

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
