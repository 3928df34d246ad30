// Walks a chunked body (RFC 9112 section 7.1) as it comes, judging every octet of its framing, and says which ranges of
// each block may be passed on: the chunks as they are, less extensions and trailers; or, stripped, their data alone.

import { faultText, FieldTable, INCOMPLETE, parseFields, TOO_MANY_FIELDS } from './field-section.js';
import { CR, HEX_VALUE, HTAB, LF, OCTET_CLASS, SEMICOLON, SP, TOKEN, VALUE } from './octets.js';
import { keptTrailers } from './trailers.js';

export interface ChunkedRules {
  /** True: only the data is passed on. False: chunk by chunk as it came. */
  readonly strip: boolean;
  /** Trailers that may be passed on are kept in `tail`. */
  readonly keepTrailers: boolean;
  /** Of data, all chunks together. */
  readonly maxBytes?: number;
}

/** 12 hexadecimal digits stay exact in a double (RFC 9112 section 7.1 asks to watch for overflow). */
const MAX_SIZE_DIGITS = 12;
/** Of one chunk's extensions: they are dropped, so nobody needs more (CVE-2024-22019). */
const MAX_EXTENSION_BYTES = 4 * 1024;
/** A chunk may have this much of them beside as much as its data (a signature takes 81), however many chunks there are ... */
const FREE_EXTENSION_BYTES = 256;
/** ... and a body this much beyond: else tiny chunks would be read without end for next to nothing (CVE-2023-39326). */
const MAX_EXCESS_BYTES = 16 * 1024;
const MAX_TRAILER_BYTES = 8 * 1024;

const enum State {
  SizeStart,
  Size,
  ExtensionStart,
  ExtensionName,
  ExtensionValueStart,
  ExtensionToken,
  ExtensionQuoted,
  ExtensionQuotedPair,
  ExtensionEnd,
  SizeLineFeed,
  Data,
  DataReturn,
  DataLineFeed,
  TrailerStart,
  Trailers,
  LastLineFeed,
  Done,
}

const trailerFields = new FieldTable(64);

export class ChunkedScanner {
  /** Ranges of the block scanned last that may be passed on: start and end in turn, `pieceCount` numbers. */
  readonly pieces: number[] = [];
  pieceCount = 0;
  /** What ends the body, to be written behind the last piece; of a stripped one the trailers that were kept. */
  tail = '';
  fault = '';
  /** The fault is that there is more than `maxBytes`. */
  tooLarge = false;
  #rules: ChunkedRules = { strip: false, keepTrailers: false };
  #state = State.Done;
  #size = 0;
  #digits = 0;
  #left = 0;
  #total = 0;
  /** Of this chunk. */
  #extensionBytes = 0;
  /** Of all chunks so far, beyond what each may have. */
  #excessBytes = 0;
  #trailers: Buffer | undefined;
  #pieceStart = -1;

  begin(rules: ChunkedRules): void {
    this.#rules = rules;
    this.#state = State.SizeStart;
    this.#digits = 0;
    this.#size = 0;
    this.#total = 0;
    this.tooLarge = false;
    this.#extensionBytes = 0;
    this.#excessBytes = 0;
    this.#trailers = undefined;
    this.tail = '';
    this.fault = '';
  }

  get done(): boolean {
    return this.#state === State.Done;
  }

  /** Between two chunks, where one of ours could stand. */
  get atBoundary(): boolean {
    return this.#state === State.SizeStart;
  }

  /** Returns the offset behind what belongs to this body, or -1 with `fault` set. */
  scan(bytes: Buffer, start: number, end: number): number {
    this.pieceCount = 0;
    const { strip } = this.#rules;
    this.#pieceStart = strip || this.#isDropping() ? -1 : start;
    let position = start;
    while (position < end && this.#state !== State.Done) {
      if (this.#state === State.Data) {
        if (strip) this.#openPiece(position);
        const step = Math.min(this.#left, end - position);
        position += step;
        this.#left -= step;
        if (this.#left > 0) break;
        if (strip) this.#closePiece(position);
        this.#state = State.DataReturn;
      } else if (this.#state === State.Trailers) {
        position = this.#takeTrailers(bytes, position, end);
        if (position < 0) return -1;
      } else {
        if (!this.#step(bytes[position]!, position)) return -1;
        // The first octet of a trailer is looked at again by who reads trailers.
        if (!this.#inTrailers) position += 1;
      }
    }
    this.#closePiece(position);
    return position;
  }

  /** One octet of framing; false for a fault. */
  #step(octet: number, position: number): boolean {
    switch (this.#state) {
      case State.SizeStart:
      case State.Size:
        return this.#stepSize(octet, position);
      case State.SizeLineFeed:
        if (octet !== LF) return this.#wrong('a chunk size line does not end in CRLF');
        return this.#beginData();
      case State.DataReturn:
        if (octet !== CR) return this.#wrong('chunk data longer than its size');
        this.#state = State.DataLineFeed;
        return true;
      case State.DataLineFeed:
        if (octet !== LF) return this.#wrong('chunk data does not end in CRLF');
        this.#state = State.SizeStart;
        this.#digits = 0;
        this.#size = 0;
        return true;
      case State.TrailerStart:
        if (octet === CR) this.#state = State.LastLineFeed;
        else {
          this.#closePiece(position);
          this.#state = State.Trailers;
        }
        return true;
      case State.LastLineFeed:
        if (octet !== LF) return this.#wrong('the last chunk does not end in CRLF');
        this.#state = State.Done;
        return true;
      default:
        return this.#stepExtension(octet, position);
    }
  }

  #beginData(): boolean {
    this.#total += this.#size;
    this.tooLarge = this.#total > (this.#rules.maxBytes ?? Infinity);
    if (this.tooLarge) return this.#wrong(`at most ${this.#rules.maxBytes} bytes`);
    if (this.#extensionBytes > 0 && !this.#settleExtensions()) return false;
    this.#left = this.#size;
    this.#state = this.#size === 0 ? State.TrailerStart : State.Data;
    return true;
  }

  #stepSize(octet: number, position: number): boolean {
    const value = HEX_VALUE[octet]!;
    if (value >= 0) {
      this.#digits += 1;
      if (this.#digits > MAX_SIZE_DIGITS) return this.#wrong('a chunk size with too many digits');
      this.#size = this.#size * 16 + value;
      this.#state = State.Size;
      return true;
    }
    if (this.#state === State.SizeStart) return this.#wrong('a chunk size that is not hexadecimal');
    if (octet === CR) {
      this.#state = State.SizeLineFeed;
      return true;
    }
    if (octet !== SEMICOLON) return this.#wrong('a chunk size that is not hexadecimal');
    this.#closePiece(position);
    this.#state = State.ExtensionStart;
    return true;
  }

  /** RFC 9112 section 7.1.1: `;name`, `;name=token` or `;name="quoted"`; all of it is dropped. */
  #stepExtension(octet: number, position: number): boolean {
    this.#extensionBytes += 1;
    if (this.#extensionBytes > MAX_EXTENSION_BYTES) return this.#wrong('chunk extensions are too long');
    const octetClass = OCTET_CLASS[octet]!;
    const isToken = (octetClass & TOKEN) !== 0;
    switch (this.#state) {
      case State.ExtensionStart:
        if (!isToken) return this.#wrong('a chunk extension without a name');
        this.#state = State.ExtensionName;
        return true;
      case State.ExtensionName:
        if (isToken) return true;
        if (octet === 0x3d) {
          this.#state = State.ExtensionValueStart;
          return true;
        }
        return this.#endExtension(octet, position);
      case State.ExtensionValueStart:
        if (octet === 0x22) this.#state = State.ExtensionQuoted;
        else if (isToken) this.#state = State.ExtensionToken;
        else return this.#wrong('a chunk extension without a value');
        return true;
      case State.ExtensionToken:
        return isToken ? true : this.#endExtension(octet, position);
      case State.ExtensionQuoted:
        if (octet === 0x22) this.#state = State.ExtensionEnd;
        else if (octet === 0x5c) this.#state = State.ExtensionQuotedPair;
        else if ((octetClass & VALUE) === 0) return this.#wrong('a chunk extension with a bad octet');
        return true;
      case State.ExtensionQuotedPair:
        if ((octetClass & VALUE) === 0 && octet !== SP && octet !== HTAB)
          return this.#wrong('a chunk extension with a bad octet');
        this.#state = State.ExtensionQuoted;
        return true;
      default:
        return this.#endExtension(octet, position);
    }
  }

  /** A chunk that leaves some of its share unused makes up for those before it. */
  #settleExtensions(): boolean {
    const excess = this.#excessBytes + this.#extensionBytes - FREE_EXTENSION_BYTES - this.#size;
    this.#excessBytes = Math.max(0, excess);
    this.#extensionBytes = 0;
    return this.#excessBytes <= MAX_EXCESS_BYTES || this.#wrong('chunk extensions are too long');
  }

  #endExtension(octet: number, position: number): boolean {
    if (octet === SEMICOLON) {
      this.#state = State.ExtensionStart;
      return true;
    }
    if (octet !== CR) return this.#wrong('a chunk extension with a bad octet');
    if (!this.#rules.strip) this.#openPiece(position);
    this.#state = State.SizeLineFeed;
    return true;
  }

  /** Trailers are rare and small: they are collected until whole, then judged at once. */
  #takeTrailers(bytes: Buffer, start: number, end: number): number {
    const before = this.#trailers?.length ?? 0;
    const block = bytes.subarray(start, Math.min(end, start + MAX_TRAILER_BYTES));
    const section = before === 0 ? Buffer.from(block) : Buffer.concat([this.#trailers!, block]);
    const parsed = parseFields(section, 0, section.length, trailerFields);
    if (parsed === INCOMPLETE && section.length < MAX_TRAILER_BYTES) {
      this.#trailers = section;
      return start + block.length;
    }
    if (parsed < 0) {
      this.fault =
        parsed === INCOMPLETE || parsed === TOO_MANY_FIELDS ? 'the trailers are too long' : faultText(parsed);
      return -1;
    }
    const kept = this.#rules.keepTrailers ? keptTrailers(section, parsed, trailerFields) : '';
    this.tail = this.#rules.strip ? kept : `${kept}\r\n`;
    this.#trailers = undefined;
    this.#state = State.Done;
    // Nothing of it is passed on from the block itself.
    this.#pieceStart = -1;
    return start + parsed - before;
  }

  get #inTrailers(): boolean {
    return this.#state === State.Trailers;
  }

  /** In the middle of what is not passed on. */
  #isDropping(): boolean {
    return this.#inTrailers || (this.#state >= State.ExtensionStart && this.#state <= State.ExtensionEnd);
  }

  #openPiece(position: number): void {
    if (this.#pieceStart < 0) this.#pieceStart = position;
  }

  #closePiece(position: number): void {
    if (this.#pieceStart >= 0 && position > this.#pieceStart) {
      this.pieces[this.pieceCount] = this.#pieceStart;
      this.pieces[this.pieceCount + 1] = position;
      this.pieceCount += 2;
    }
    this.#pieceStart = -1;
  }

  #wrong(fault: string): false {
    this.fault = fault;
    return false;
  }
}
