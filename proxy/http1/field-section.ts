// The field lines of a head or of trailers: one strict pass over the octets that leaves a table of where everything is.
// Strict on purpose: what a lenient parser lets through is what the next one reads differently (RFC 9112 section 11.2).

import { aliasesGuardedField } from '../headers/hop-by-hop.js';
import { FIELD, fieldKindOf, hashStep, type FieldKind } from './field-names.js';
import { COLON, CR, HTAB, LF, OCTET_CLASS, SP, TOKEN, UNDERSCORE, VALUE, textOf } from './octets.js';

/** Not enough octets yet. */
export const INCOMPLETE = -1;
/** More fields than allowed. */
export const TOO_MANY_FIELDS = -2;

/** Anything below is a fault; what it is stands in `faultText`. */
const FAULTS = {
  '-3': 'a field name has an octet that no name may have, or is empty',
  '-4': 'white space between a field name and its colon',
  '-5': 'a folded field line',
  '-6': 'a field value has an octet that no value may have',
  '-7': 'a line that does not end in CRLF',
} as const;

export function faultText(fault: number): string {
  return FAULTS[String(fault) as keyof typeof FAULTS];
}

/**
 * Where the fields of the section parsed last are, as offsets into its octets. It is used again for the next one: read
 * what you need in the same turn.
 */
export class FieldTable {
  readonly nameStart: Int32Array;
  readonly nameEnd: Int32Array;
  readonly valueStart: Int32Array;
  readonly valueEnd: Int32Array;
  readonly kind: Uint8Array;
  count = 0;

  constructor(readonly maxFields: number) {
    this.nameStart = new Int32Array(maxFields);
    this.nameEnd = new Int32Array(maxFields);
    this.valueStart = new Int32Array(maxFields);
    this.valueEnd = new Int32Array(maxFields);
    this.kind = new Uint8Array(maxFields);
  }

  /** Where the line of a field ends, its CRLF included: where the next one starts. */
  lineEnd(index: number, sectionEnd: number): number {
    return index + 1 < this.count ? this.nameStart[index + 1]! : sectionEnd - 2;
  }
}

/**
 * Parses field lines up to and including the empty line. Returns the offset behind it, INCOMPLETE, TOO_MANY_FIELDS or
 * a fault.
 */
export function parseFields(bytes: Buffer, start: number, end: number, table: FieldTable): number {
  let position = start;
  table.count = 0;
  for (;;) {
    if (position >= end) return INCOMPLETE;
    const first = bytes[position]!;
    if (first === CR) {
      if (position + 1 >= end) return INCOMPLETE;
      return bytes[position + 1] === LF ? position + 2 : -7;
    }
    if (first === SP || first === HTAB) return -5;
    if (table.count === table.maxFields) return TOO_MANY_FIELDS;
    position = parseLine(bytes, position, end, table);
    if (position < 0) return position;
  }
}

/** One field line; returns where the next one starts, or as parseFields. */
function parseLine(bytes: Buffer, start: number, end: number, table: FieldTable): number {
  let position = start;
  let hash = 0;
  let classes = 0;
  let octet = 0;
  for (; position < end; position += 1) {
    octet = bytes[position]!;
    const octetClass = OCTET_CLASS[octet]!;
    if ((octetClass & TOKEN) === 0) break;
    classes |= octetClass;
    hash = hashStep(hash, octet);
  }
  if (position === end) return INCOMPLETE;
  if (octet !== COLON) return octet === SP || octet === HTAB ? -4 : octet === LF ? -7 : -3;
  if (position === start) return -3;
  const nameEnd = position;
  position += 1;
  while (position < end && (bytes[position] === SP || bytes[position] === HTAB)) position += 1;
  const valueStart = position;
  while (position < end && (OCTET_CLASS[bytes[position]!]! & VALUE) !== 0) position += 1;
  if (position + 1 >= end) return position < end && bytes[position] !== CR ? faultAt(bytes[position]!) : INCOMPLETE;
  if (bytes[position] !== CR) return faultAt(bytes[position]!);
  if (bytes[position + 1] !== LF) return -7;
  let valueEnd = position;
  while (valueEnd > valueStart && (bytes[valueEnd - 1] === SP || bytes[valueEnd - 1] === HTAB)) valueEnd -= 1;
  const index = table.count;
  table.nameStart[index] = start;
  table.nameEnd[index] = nameEnd;
  table.valueStart[index] = valueStart;
  table.valueEnd[index] = valueEnd;
  table.kind[index] =
    (classes & UNDERSCORE) === 0 ? fieldKindOf(hash, bytes, start, nameEnd) : underscoredKind(bytes, start, nameEnd);
  table.count = index + 1;
  return position + 2;
}

function faultAt(octet: number): number {
  return octet === LF ? -7 : -6;
}

function underscoredKind(bytes: Buffer, start: number, end: number): FieldKind {
  return aliasesGuardedField(textOf(bytes, start, end).toLowerCase()) ? FIELD.ALIAS : FIELD.OTHER;
}
