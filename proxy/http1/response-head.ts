// A response's head, parsed and judged as strictly as a request's: whatever is doubtful is a fault, which becomes a 502
// and the end of the upstream connection (RFC 9112 sections 4, 5 and 6).

import { mayBeNominated } from '../headers/hop-by-hop.js';
import { FIELD } from './field-names.js';
import { faultText, FieldTable, INCOMPLETE, parseFields } from './field-section.js';
import { hasTabBehind, isWord, parseLength } from './framing.js';
import { CR, isDigit, LF, OCTET_CLASS, SP, VALUE, textOf } from './octets.js';
import { LastOctets } from './last-octets.js';
import { markNominated } from './nominations.js';
import type { HeadLimits } from './request-head.js';

/** `HTTP/1.` before the minor version. */
const VERSION_BYTES = [0x48, 0x54, 0x54, 0x50, 0x2f, 0x31, 0x2e];
/** The version, a space and the status. */
const SHORTEST_LINE = 'HTTP/1.1 200'.length;

/** Parses response heads. One parser serves all connections: a head is done with in the turn it was parsed in. */
export class ResponseHeadParser {
  readonly fields: FieldTable;
  readonly #maxHeadBytes: number;
  /** Those of the head parsed last, if it stood at the beginning of its block. */
  readonly #last = new LastOctets();
  /** Another number for each head whose octets are not those of the head before. */
  edition = 0;
  bytes: Buffer = Buffer.alloc(0);
  /** The head is `bytes` from here to `end`, its empty line included. */
  start = 0;
  end = 0;
  fieldsStart = 0;
  status = 0;
  minorVersion = 1;
  /** -1 without a Content-Length. */
  contentLength = -1;
  chunked = false;
  /** The upstream closes after this response. */
  close = false;
  hasDate = false;
  eventStream = false;
  /** The app wants no new request. */
  announcesDrain = false;
  /** Every field goes on as it is. */
  untouched = true;
  fault = '';
  /** What Connection fields name as ending here, in lower case; most responses have none. */
  #nominated: Set<string> | undefined;

  constructor(limits: HeadLimits) {
    this.fields = new FieldTable(limits.maxFields);
    this.#maxHeadBytes = limits.maxHeadBytes;
  }

  /** `incomplete`: call again with more octets. `wrong`: see `fault`. */
  parse(bytes: Buffer, start: number, blockEnd: number): 'complete' | 'incomplete' | 'wrong' {
    // The same head at the same place: all that is known of it holds.
    if (start === 0 && this.#last.areFirstOf(bytes, blockEnd)) {
      this.bytes = bytes;
      return 'complete';
    }
    this.#last.forget();
    this.edition += 1;
    const result = this.#parse(bytes, start, blockEnd);
    if (result === 'complete' && start === 0) this.#last.keep(bytes, this.end);
    return result;
  }

  text(start: number, end: number): string {
    return textOf(this.bytes, start, end);
  }

  value(index: number): string {
    return this.text(this.fields.valueStart[index]!, this.fields.valueEnd[index]!);
  }

  /** The one protocol that it names in an Upgrade field, in lower case; undefined where there is none, or another too. */
  get upgrade(): string | undefined {
    let protocol: string | undefined;
    for (let index = 0; index < this.fields.count; index += 1) {
      if (this.fields.kind[index] !== FIELD.UPGRADE) continue;
      if (protocol !== undefined) return undefined;
      protocol = this.value(index).toLowerCase();
    }
    return protocol;
  }

  lowerName(index: number): string {
    return this.text(this.fields.nameStart[index]!, this.fields.nameEnd[index]!).toLowerCase();
  }

  #parse(bytes: Buffer, start: number, blockEnd: number): 'complete' | 'incomplete' | 'wrong' {
    const end = Math.min(blockEnd, start + this.#maxHeadBytes);
    this.bytes = bytes;
    this.start = start;
    this.fault = '';
    const line = this.#parseLine(start, end);
    const result = line < 0 ? line : parseFields(bytes, line, end, this.fields);
    if (result === INCOMPLETE && blockEnd <= end) return 'incomplete';
    if (result < 0) {
      this.fault ||= faultText(result) ?? 'its head is too large';
      return 'wrong';
    }
    this.fieldsStart = line;
    this.end = result;
    return this.#judge() ? 'complete' : 'wrong';
  }

  #parseLine(start: number, end: number): number {
    const { bytes } = this;
    for (let index = 0; index < VERSION_BYTES.length; index += 1) {
      if (start + index >= end) return INCOMPLETE;
      if (bytes[start + index] !== VERSION_BYTES[index]) return this.#wrong('it does not begin with HTTP/1');
    }
    if (start + SHORTEST_LINE >= end) return INCOMPLETE;
    const minor = bytes[start + 7]!;
    if (!isDigit(minor) || bytes[start + 8] !== SP) return this.#wrong('a malformed version');
    this.minorVersion = minor === 0x30 ? 0 : 1;
    const hundreds = bytes[start + 9]! - 0x30;
    if (hundreds < 1 || hundreds > 5 || !isDigit(bytes[start + 10]!) || !isDigit(bytes[start + 11]!))
      return this.#wrong('a status that is not three digits from 100 to 599');
    this.status = hundreds * 100 + (bytes[start + 10]! - 0x30) * 10 + (bytes[start + 11]! - 0x30);
    let position = start + SHORTEST_LINE;
    if (bytes[position] !== SP && bytes[position] !== CR) return this.#wrong('a status of more than three digits');
    while (position < end && (OCTET_CLASS[bytes[position]!]! & VALUE) !== 0) position += 1;
    if (position + 1 >= end) return INCOMPLETE;
    if (bytes[position] !== CR || bytes[position + 1] !== LF)
      return this.#wrong('a status line that does not end in CRLF');
    return position + 2;
  }

  /** What the fields mean together; false with `fault` set. */
  #judge(): boolean {
    const { bytes, fields } = this;
    this.contentLength = -1;
    this.chunked = this.hasDate = this.eventStream = this.announcesDrain = false;
    this.close = this.minorVersion === 0;
    this.untouched = true;
    this.#nominated = undefined;
    for (let index = 0; index < fields.count; index += 1) {
      const start = fields.valueStart[index]!;
      const end = fields.valueEnd[index]!;
      switch (fields.kind[index]!) {
        case FIELD.CONTENT_LENGTH:
          if (this.contentLength >= 0) return this.#refuse('more than one Content-Length');
          this.contentLength = parseLength(bytes, start, end);
          if (this.contentLength < 0 || hasTabBehind(bytes, end)) return this.#refuse('a malformed Content-Length');
          break;
        case FIELD.TRANSFER_ENCODING:
          if (this.chunked || !isWord(bytes, start, end, 'chunked') || hasTabBehind(bytes, end))
            return this.#refuse('Transfer-Encoding other than one "chunked"');
          this.chunked = true;
          break;
        case FIELD.CONNECTION:
          this.untouched = false;
          if (!isWord(bytes, start, end, 'keep-alive')) this.#readConnection(index);
          break;
        case FIELD.DATE:
          this.hasDate = true;
          break;
        case FIELD.CONTENT_TYPE:
          this.eventStream = isWord(bytes, start, Math.min(end, start + 17), 'text/event-stream');
          break;
        case FIELD.ANNOUNCED_DRAIN:
          this.announcesDrain = bytes[start] === 0x31 && end === start + 1;
          break;
        case FIELD.HOP_BY_HOP:
        case FIELD.UPGRADE:
        case FIELD.TE:
          this.untouched = false;
          break;
      }
    }
    if (this.#nominated !== undefined) markNominated(this, this.#nominated);
    if (this.chunked && this.contentLength >= 0) return this.#refuse('Content-Length beside Transfer-Encoding');
    // RFC 9112 section 6.1: HTTP/1.0 has no transfer codings, so its framing is in doubt.
    if (this.chunked && this.minorVersion === 0) return this.#refuse('Transfer-Encoding in HTTP/1.0');
    // RFC 9110 section 15.2: HTTP/1.0 has no interim responses; a reader may take it for the only one, and the connection for over.
    if (this.status < 200 && this.minorVersion === 0) return this.#refuse('an interim response in HTTP/1.0');
    return true;
  }

  #readConnection(index: number): void {
    for (const part of this.value(index).toLowerCase().split(',')) {
      const option = part.trim();
      if (option === 'close') this.close = true;
      else if (option !== '' && option !== 'keep-alive' && mayBeNominated(option))
        (this.#nominated ??= new Set()).add(option);
    }
  }

  #wrong(fault: string): number {
    this.fault = fault;
    return -3;
  }

  #refuse(fault: string): false {
    this.fault = fault;
    return false;
  }
}
