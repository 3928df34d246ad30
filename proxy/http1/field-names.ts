// The field names that mean something to a proxy, recognised while their octets are validated: a rolling hash leads to
// one candidate, which is then compared octet by octet. Names that mean nothing here cost a multiplication an octet.

import { ORIGIN_CLAIMS } from '../headers/origin-claims.js';

/** What a field is to us; `OTHER` is forwarded as it is. */
export const FIELD = {
  OTHER: 0,
  HOST: 1,
  CONTENT_LENGTH: 2,
  TRANSFER_ENCODING: 3,
  CONNECTION: 4,
  EXPECT: 5,
  UPGRADE: 6,
  TE: 7,
  VIA: 8,
  MAX_FORWARDS: 9,
  IDEMPOTENCY_KEY: 10,
  REQUEST_ID: 11,
  FORWARDED_FOR: 12,
  FORWARDED_PROTO: 13,
  FORWARDED_HOST: 14,
  FORWARDED_PORT: 15,
  FORWARDED: 16,
  DATE: 17,
  CONTENT_TYPE: 18,
  /** The app's own announcement that it wants no new request. */
  ANNOUNCED_DRAIN: 19,
  /** Ends at this hop whatever it says (RFC 9110 section 7.6.1). */
  HOP_BY_HOP: 20,
  /** A name that a CGI-style server would take for one that decides framing, host or trust (CVE-2025-64484). */
  ALIAS: 21,
  /** Ends at this hop since a Connection field says so. */
  NOMINATED: 22,
  /** A further one of what goes on once: the first was judged, so it ends here. */
  SURPLUS: 23,
  /** Says of the client what only a trusted one may (headers/origin-claims.ts). */
  ORIGIN_CLAIM: 24,
} as const;

export type FieldKind = (typeof FIELD)[keyof typeof FIELD];

const KNOWN: readonly (readonly [string, FieldKind])[] = [
  ['host', FIELD.HOST],
  ['content-length', FIELD.CONTENT_LENGTH],
  ['transfer-encoding', FIELD.TRANSFER_ENCODING],
  ['connection', FIELD.CONNECTION],
  ['expect', FIELD.EXPECT],
  ['upgrade', FIELD.UPGRADE],
  ['te', FIELD.TE],
  ['via', FIELD.VIA],
  ['max-forwards', FIELD.MAX_FORWARDS],
  ['idempotency-key', FIELD.IDEMPOTENCY_KEY],
  ['x-request-id', FIELD.REQUEST_ID],
  ['x-forwarded-for', FIELD.FORWARDED_FOR],
  ['x-forwarded-proto', FIELD.FORWARDED_PROTO],
  ['x-forwarded-host', FIELD.FORWARDED_HOST],
  ['x-forwarded-port', FIELD.FORWARDED_PORT],
  ['forwarded', FIELD.FORWARDED],
  ['date', FIELD.DATE],
  ['content-type', FIELD.CONTENT_TYPE],
  ['x-understudy-drain', FIELD.ANNOUNCED_DRAIN],
  ['proxy-connection', FIELD.HOP_BY_HOP],
  ['keep-alive', FIELD.HOP_BY_HOP],
  ['trailer', FIELD.HOP_BY_HOP],
  ['proxy-authenticate', FIELD.HOP_BY_HOP],
  ['proxy-authorization', FIELD.HOP_BY_HOP],
  ['proxy-authentication-info', FIELD.HOP_BY_HOP],
  ...ORIGIN_CLAIMS.map((name) => [name, FIELD.ORIGIN_CLAIM] as const),
];

const SLOTS = 4096;

/** Candidate by hash: its index in KNOWN plus one; 0 for none. */
const CANDIDATES = candidateTable();
const NAMES = KNOWN.map(([name]) => Uint8Array.from(name, (char) => char.charCodeAt(0)));

/** One step of the hash over a name's octets, letter case aside. Starts at 0. */
export function hashStep(hash: number, octet: number): number {
  return (Math.imul(hash, 33) + (octet | 0x20)) | 0;
}

/** `hash` is that of the octets from `start` to `end`. */
export function fieldKindOf(hash: number, bytes: Uint8Array, start: number, end: number): FieldKind {
  const candidate = CANDIDATES[hash & (SLOTS - 1)]!;
  if (candidate === 0) return FIELD.OTHER;
  const name = NAMES[candidate - 1]!;
  if (name.length !== end - start) return FIELD.OTHER;
  for (let index = 0; index < name.length; index += 1) {
    const octet = bytes[start + index]!;
    const lower = octet >= 0x41 && octet <= 0x5a ? octet | 0x20 : octet;
    if (lower !== name[index]) return FIELD.OTHER;
  }
  return KNOWN[candidate - 1]![1];
}

function candidateTable(): Uint8Array {
  const table = new Uint8Array(SLOTS);
  KNOWN.forEach(([name], index) => {
    let hash = 0;
    for (const char of name) hash = hashStep(hash, char.charCodeAt(0));
    const slot = hash & (SLOTS - 1);
    if (table[slot] !== 0) throw new Error(`The names ${name} and ${KNOWN[table[slot]! - 1]![0]} share a hash`);
    table[slot] = index + 1;
  });
  return table;
}
