// A request's head: where it begins and ends, its request line, and its fields in a table. Syntax only (RFC 9112
// sections 2.2, 3 and 5); what the fields mean together is the gate's business.

import type { ProblemCode } from '../problem.js';
import { faultText, FieldTable, INCOMPLETE, parseFields, TOO_MANY_FIELDS } from './field-section.js';
import { CR, isDigit, LF, OCTET_CLASS, SP, TARGET, TOKEN, RepeatedText, textOf } from './octets.js';

export interface HeadLimits {
  readonly maxHeadBytes: number;
  readonly maxFields: number;
}

export interface HeadFault {
  readonly code: ProblemCode;
  readonly detail: string;
  /** The refused request is a HEAD, as far as it could be read: its answer has no body (RFC 9110 section 9.3.2). */
  readonly ofHead?: boolean;
}

/** Longer than any method that was ever registered. */
const MAX_METHOD_BYTES = 40;

/** `HTTP/` before the version. */
const VERSION_BYTES = [0x48, 0x54, 0x54, 0x50, 0x2f];

/** Parses request heads. One parser serves all connections: a head is done with in the turn it was parsed in. */
export class RequestHeadParser {
  readonly fields: FieldTable;
  readonly #maxHeadBytes: number;
  readonly #targets = new RepeatedText();
  bytes: Buffer = Buffer.alloc(0);
  /** The head is `bytes` from here (a leading empty line left out) ... */
  start = 0;
  /** ... to here, its empty line included. */
  end = 0;
  /** Where the field lines begin. */
  fieldsStart = 0;
  method = '';
  target = '';
  /** 0 or 1; a higher minor version is served as 1 (RFC 9112 section 2.3). */
  minorVersion = 1;
  fault: HeadFault | undefined;

  constructor(limits: HeadLimits) {
    this.fields = new FieldTable(limits.maxFields);
    this.#maxHeadBytes = limits.maxHeadBytes;
  }

  /** `incomplete`: call again with more octets. `wrong`: see `fault`. */
  parse(bytes: Buffer, from: number): 'complete' | 'incomplete' | 'wrong' {
    this.bytes = bytes;
    this.fault = undefined;
    this.method = '';
    const end = Math.min(bytes.length, from + this.#maxHeadBytes);
    const start = skipEmptyLine(bytes, from, end);
    this.start = start;
    // Half of an empty line, or all of it, may be all there is yet.
    if (start === end) return 'incomplete';
    const line = this.#parseLine(start, end);
    if (line < 0) return this.#unfinished(line, bytes.length > end, 'target-too-long');
    this.fieldsStart = line;
    const fieldsEnd = parseFields(bytes, line, end, this.fields);
    if (fieldsEnd < 0) return this.#unfinished(fieldsEnd, bytes.length > end, 'head-too-large');
    this.end = fieldsEnd;
    return 'complete';
  }

  /** Of an incomplete head: something of its request line has come, and not an empty line before it alone. */
  get begun(): boolean {
    return this.start < this.bytes.length;
  }

  text(start: number, end: number): string {
    return textOf(this.bytes, start, end);
  }

  value(index: number): string {
    return this.text(this.fields.valueStart[index]!, this.fields.valueEnd[index]!);
  }

  lowerName(index: number): string {
    return this.text(this.fields.nameStart[index]!, this.fields.nameEnd[index]!).toLowerCase();
  }

  /** Offset of the first field line, INCOMPLETE, or below with `fault` set. */
  #parseLine(start: number, end: number): number {
    const { bytes } = this;
    let position = start;
    while (position < end && (OCTET_CLASS[bytes[position]!]! & TOKEN) !== 0) position += 1;
    if (position - start > MAX_METHOD_BYTES) return this.#wrong('not-implemented', 'the method is too long');
    if (position === end) return INCOMPLETE;
    if (bytes[position] !== SP || position === start) return this.#wrong('bad-request', 'no method before the target');
    this.method = methodText(bytes, start, position);
    position += 1;
    const targetStart = position;
    while (position < end && (OCTET_CLASS[bytes[position]!]! & TARGET) !== 0) position += 1;
    if (position === end) return INCOMPLETE;
    const octet = bytes[position]!;
    if (octet === CR || octet === LF) return this.#wrong('bad-request', 'no HTTP version in the request line');
    if (octet !== SP)
      return this.#wrong('bad-request', 'the target has an octet that is not allowed, or must be percent-encoded');
    if (position === targetStart) return this.#wrong('bad-request', 'the target is empty');
    const lineEnd = this.#parseVersion(position + 1, end);
    if (lineEnd < 0) return lineEnd;
    this.target = this.#targets.of(bytes, targetStart, position);
    return lineEnd;
  }

  #parseVersion(start: number, end: number): number {
    const { bytes } = this;
    for (let index = 0; index < VERSION_BYTES.length; index += 1) {
      if (start + index >= end) return INCOMPLETE;
      if (bytes[start + index] !== VERSION_BYTES[index])
        return this.#wrong('bad-request', 'something other than an HTTP version after the target');
    }
    const major = start + VERSION_BYTES.length;
    if (major + 4 >= end) return INCOMPLETE;
    const isVersion =
      isDigit(bytes[major]!) &&
      bytes[major + 1] === 0x2e &&
      isDigit(bytes[major + 2]!) &&
      bytes[major + 3] === CR &&
      bytes[major + 4] === LF;
    if (!isVersion) return this.#wrong('bad-request', 'the request line does not end in an HTTP version and CRLF');
    if (bytes[major] !== 0x31) return this.#wrong('version-not-supported', 'HTTP/1.0 and HTTP/1.1 are spoken here');
    this.minorVersion = bytes[major + 2] === 0x30 ? 0 : 1;
    return major + 5;
  }

  #unfinished(result: number, beyondLimit: boolean, code: ProblemCode): 'incomplete' | 'wrong' {
    if (result === INCOMPLETE) {
      if (!beyondLimit) return 'incomplete';
      this.fault = { code, detail: `at most ${this.#maxHeadBytes} bytes` };
    } else if (result === TOO_MANY_FIELDS) {
      this.fault = { code: 'head-too-large', detail: `at most ${this.fields.maxFields} fields` };
    } else {
      this.fault ??= { code: 'bad-request', detail: faultText(result) };
    }
    this.fault = faultOf(this.method, this.fault);
    return 'wrong';
  }

  #wrong(code: ProblemCode, detail: string): number {
    this.fault = { code, detail };
    return -3;
  }
}

/** The fault of a request with this method. */
export function faultOf(method: string, fault: HeadFault): HeadFault {
  return method === 'HEAD' ? { ...fault, ofHead: true } : fault;
}

/** RFC 9112 section 2.2: one empty line before the request line is let pass, for clients that add one to a body. */
function skipEmptyLine(bytes: Buffer, start: number, end: number): number {
  if (bytes[start] !== CR) return start;
  if (start + 1 === end) return end;
  return bytes[start + 1] === LF ? start + 2 : start;
}

/** The usual ones without making a string. */
function methodText(bytes: Buffer, start: number, end: number): string {
  if (end - start === 3 && bytes[start] === 0x47 && bytes[start + 1] === 0x45 && bytes[start + 2] === 0x54)
    return 'GET';
  return textOf(bytes, start, end);
}
