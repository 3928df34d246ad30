// The head that the client gets from the fast lane, as one string: the upstream's own lines in one piece wherever nothing
// ends here, then what this hop must add. The same rules as forward-response.ts, on octets instead of a list.

import { FIELD } from '../http1/field-names.js';
import type { ResponseHeadParser } from '../http1/response-head.js';

export interface AnswerFraming {
  /** The response can have a body at all: false for 1xx, 204. */
  readonly framed: boolean;
  /** The upstream's chunks go to the client as chunks. */
  readonly keepsChunks: boolean;
  /** The body has no other end than the connection's, so we make chunks of it. */
  readonly makesChunks: boolean;
  /** The client's connection ends after it. */
  readonly close: boolean;
}

/** The bits of `AnswerFraming`, one for each property that holds. */
export const FRAMED = 1;
export const KEEPS_CHUNKS = 2;
export const MAKES_CHUNKS = 4;
export const CLOSES = 8;

const FRAMINGS: readonly AnswerFraming[] = Array.from({ length: 16 }, (_, bits) => ({
  framed: (bits & FRAMED) > 0,
  keepsChunks: (bits & KEEPS_CHUNKS) > 0,
  makesChunks: (bits & MAKES_CHUNKS) > 0,
  close: (bits & CLOSES) > 0,
}));
const INTERIM = FRAMINGS[0]!;

/** By its bits; one object for all answers that are framed alike: no new one for each, and two are compared at a glance. */
export function sharedFraming(bits: number): AnswerFraming {
  return FRAMINGS[bits]!;
}

/** Heads for clients. Servers repeat themselves, so the one made last is kept. */
export class ResponseTexts {
  #edition = -1;
  #framing: AnswerFraming = INTERIM;
  #date = '';
  #text = '';

  /**
   * `head` has just been parsed, by the one parser that these texts are for. `date`: an IMF-fixdate, added where the
   * upstream sent none (RFC 9110 section 6.6.1); anything where it did. `framing`: a shared one.
   */
  of(head: ResponseHeadParser, framing: AnswerFraming, date: string): string {
    if (head.edition === this.#edition && framing === this.#framing && date === this.#date) return this.#text;
    this.#edition = head.edition;
    this.#framing = framing;
    this.#date = date;
    this.#text = responseText(head, framing, date);
    return this.#text;
  }
}

function responseText(head: ResponseHeadParser, framing: AnswerFraming, date: string): string {
  const pieces = keptLines(head, framing);
  if (!head.hasDate) pieces.push(`Date: ${date}\r\n`);
  if (framing.makesChunks) pieces.push('Transfer-Encoding: chunked\r\n');
  if (framing.close) pieces.push('Connection: close\r\n');
  pieces.push('\r\n');
  // Not by `+`: V8 keeps what that puts together as pieces, and would go through them each time the same head comes.
  return pieces.join('');
}

/** How many may come before the answer: RFC 9110 section 15.2 sets no bound, and endless ones are an attack. */
export const MAX_INTERIM_RESPONSES = 32;

/** An interim response (RFC 9110 section 15.2): no body, no Date of ours, no word on the connection. */
export function interimText(head: ResponseHeadParser): string {
  return `${keptLines(head, INTERIM).join('')}\r\n`;
}

/** The answer behind which the connection speaks `protocol` (RFC 9110 section 7.8). */
export function switchingText(head: ResponseHeadParser, protocol: string): string {
  return `${keptLines(head, INTERIM).join('')}Connection: Upgrade\r\nUpgrade: ${protocol}\r\n\r\n`;
}

/** A status line that ends behind the status: what we send has the space that must follow (RFC 9112 section 4). */
const BARE_STATUS_LINE = 'HTTP/1.1 200\r\n'.length;

/** True when head and framing can go to the client exactly as they came. */
export function passesAsItIs(head: ResponseHeadParser, framing: AnswerFraming): boolean {
  return (
    head.untouched &&
    head.hasDate &&
    head.minorVersion === 1 &&
    head.bytes[head.start + 7] === 0x31 &&
    head.fieldsStart - head.start > BARE_STATUS_LINE &&
    framing.framed &&
    !framing.close &&
    !framing.makesChunks &&
    framing.keepsChunks === head.chunked
  );
}

/** In pieces, the status line first. */
function keptLines(head: ResponseHeadParser, framing: AnswerFraming): string[] {
  const { fields } = head;
  // RFC 9112 section 2.3: the version in the status line is our own.
  const line = head.text(head.start + 8, head.fieldsStart - 2);
  const pieces = ['HTTP/1.1', line, head.fieldsStart - head.start === BARE_STATUS_LINE ? ' \r\n' : '\r\n'];
  let keptFrom = head.fieldsStart;
  for (let index = 0; index < fields.count; index += 1) {
    if (!endsHere(fields.kind[index]!, framing)) continue;
    const lineStart = fields.nameStart[index]!;
    if (lineStart > keptFrom) pieces.push(head.text(keptFrom, lineStart));
    keptFrom = fields.lineEnd(index, head.end);
  }
  pieces.push(head.text(keptFrom, head.end - 2));
  return pieces;
}

function endsHere(kind: number, framing: AnswerFraming): boolean {
  switch (kind) {
    case FIELD.CONNECTION:
    case FIELD.HOP_BY_HOP:
    case FIELD.NOMINATED:
    case FIELD.UPGRADE:
    case FIELD.TE:
      return true;
    case FIELD.TRANSFER_ENCODING:
      return !framing.keepsChunks;
    case FIELD.CONTENT_LENGTH:
      return !framing.framed;
    default:
      return false;
  }
}
