// The answer's way back through the fast lane: the upstream's octets in, the client's out, each judged once and written
// once. It knows nothing of tickets or repeats; its exchange decides what becomes of an answer that fails. Long, because each
// framing and size of an answer leaves in the way that is cheapest for it.

import {
  CLOSES,
  FRAMED,
  interimText,
  KEEPS_CHUNKS,
  MAKES_CHUNKS,
  MAX_INTERIM_RESPONSES,
  passesAsItIs,
  sharedFraming,
  switchingText,
  type AnswerFraming,
  type ResponseTexts,
} from '../../headers/response-text.js';
import type { JudgedRequest } from '../../gate.js';
import { BodyReader } from '../../http1/body-reader.js';
import { fieldOf } from '../../http1/field-of.js';
import { CR, LF, textOf } from '../../http1/octets.js';
import type { ResponseHeadParser } from '../../http1/response-head.js';
import { HELD_ANSWER_BYTES } from '../held-answer.js';
import { SMALL_BYTES } from '../write-block.js';

export type AnswerProgress =
  | 'more'
  /** The client is slower than the upstream. */
  | 'full'
  | 'whole'
  /** The connection now speaks the protocol that was asked for; `rest` is the beginning of it. */
  | 'switched'
  /** Not HTTP, or not safely so; see `fault`. */
  | 'wrong'
  /** The judge did not want it. */
  | 'dropped';

export interface AnswerContext {
  readonly parser: ResponseHeadParser;
  readonly texts: ResponseTexts;
  /** An IMF-fixdate. */
  date(): string;
}

/** Asked once a final head is there, before anything of it is passed on. */
export interface AnswerJudge {
  /** False: the answer is dropped, another one will come. */
  acceptsAnswer(head: ResponseHeadParser): boolean;
  /** It may be kept back until it is whole, since the request could be repeated. */
  mayHoldAnswer(): boolean;
  /** The client's connection ends after it. */
  closesAfterAnswer(): boolean;
}

/** The client's side. */
export interface AnswerTaker {
  /** It does not take what is written. */
  readonly full: boolean;
  writeText(text: string): void;
  writeCopy(text: string, bytes: Buffer, start: number, end: number): void;
  write(bytes: Buffer): boolean;
  writeLasting(bytes: Buffer): void;
  cork(): void;
  uncork(): void;
}

const NOTHING = Buffer.alloc(0);
const LAST_CHUNK = '0\r\n\r\n';

export class Answer {
  readonly #output: AnswerTaker;
  #context!: AnswerContext;
  #request!: JudgedRequest;
  #judge: AnswerJudge | undefined;
  readonly #body = new BodyReader();
  /** The beginning of a head, until it is whole. */
  #partialHead: Buffer | undefined;
  #interims = 0;
  /** The client was told to send its body; once, however many upstreams say so. */
  #continued = false;
  #hasHead = false;
  /** Head and body so far of an answer that is kept back. */
  #held: string | undefined;
  /** The block that is being read stays as it is until the client has taken it. */
  #lasting = false;
  #makesChunks = false;
  /** The client gets chunks, whoever made them. */
  #sendsChunks = false;
  status = 0;
  fault = '';
  rest = NOTHING;
  bytesOut = 0;
  /** The client has got something of it. */
  forwarded = false;
  eventStream = false;
  /** An event stream that is not compressed. */
  #isPlain = false;
  /** What the client has of such a stream so far ends with a line's end. */
  #endsLine = false;
  /** The upstream's connection can serve another request after it. */
  reusable = true;

  constructor(output: AnswerTaker) {
    this.#output = output;
  }

  /** For the next request; the answer before is over. */
  begin(context: AnswerContext, request: JudgedRequest, judge: AnswerJudge): void {
    this.#context = context;
    this.#request = request;
    this.#judge = judge;
    this.#interims = 0;
    this.#continued = false;
    this.#makesChunks = false;
    this.#sendsChunks = false;
    this.fault = '';
    this.bytesOut = 0;
    this.forwarded = false;
    this.eventStream = false;
    this.restart();
  }

  /** Nothing more comes of it: what its request had need not be kept until the next one. */
  end(): void {
    this.#judge = undefined;
    this.#partialHead = undefined;
    this.#held = undefined;
    this.rest = NOTHING;
  }

  /** Takes a block, valid within this call only; where it is `lasting`, until the client has taken it. */
  take(bytes: Buffer, end: number, lasting: boolean): AnswerProgress {
    this.#lasting = lasting;
    if (this.#hasHead) return this.#takeBody(bytes, 0, end);
    if (this.#partialHead === undefined) return this.#takeHead(bytes, end);
    const joined = Buffer.concat([this.#partialHead, bytes.subarray(0, end)]);
    this.#partialHead = undefined;
    return this.#takeHead(joined, joined.length);
  }

  /** The upstream has closed cleanly. True when that is how the answer ends. */
  endsByClose(): boolean {
    if (!this.#hasHead || this.#body.kind !== 'until-close') return false;
    if (this.#makesChunks) this.#output.writeText(LAST_CHUNK);
    return true;
  }

  /** Another attempt begins; only while nothing was forwarded. */
  restart(): void {
    this.#partialHead = undefined;
    this.#held = undefined;
    this.#hasHead = false;
    this.reusable = true;
    this.status = 0;
  }

  /** A piece of ours behind what the client has would not break the framing of the answer, nor come behind its end. */
  get canAppend(): boolean {
    return this.forwarded && this.#body.atBoundary && !this.#body.done;
  }

  /** A comment would be between two lines of an event stream. */
  get canComment(): boolean {
    return this.eventStream && this.#isPlain && this.#endsLine && this.canAppend;
  }

  /** Puts a piece of ours into a body whose end we know to be a fault. */
  append(text: string): void {
    this.#output.writeText(this.#sendsChunks ? `${text.length.toString(16)}\r\n${text}\r\n` : text);
  }

  /** A body that only the connection's end ends must be cut, not closed (RFC 9112 section 8). */
  get endsWithConnection(): boolean {
    return this.#body.kind !== 'length' && !this.#sendsChunks;
  }

  #takeHead(bytes: Buffer, end: number): AnswerProgress {
    const { parser } = this.#context;
    let start = 0;
    for (;;) {
      const result = parser.parse(bytes, start, end);
      if (result === 'wrong') return this.#wrong(parser.fault);
      if (result === 'incomplete') {
        this.#partialHead = Buffer.from(bytes.subarray(start, end));
        return 'more';
      }
      if (parser.status >= 200) break;
      if (parser.status === 101 && this.#wasOffered(parser.upgrade)) return this.#switch(parser, end);
      if (!this.#passInterim(parser)) return 'wrong';
      start = parser.end;
      if (start === end) return 'more';
    }
    if (!this.#judge!.acceptsAnswer(parser)) return 'dropped';
    return this.#beginAnswer(parser, end);
  }

  #wasOffered(protocol: string | undefined): boolean {
    return protocol !== undefined && protocol === this.#request.upgrade;
  }

  #switch(head: ResponseHeadParser, end: number): 'switched' {
    this.status = head.status;
    this.forwarded = true;
    this.#output.writeText(switchingText(head, this.#request.upgrade!));
    this.rest = Buffer.from(head.bytes.subarray(head.end, end));
    return 'switched';
  }

  #passInterim(head: ResponseHeadParser): boolean {
    this.#interims += 1;
    // RFC 9110 section 7.8: an upgrade that nobody asked for, or to something else.
    if (head.status === 101) return this.#wrong('it switched to a protocol that was not offered') !== 'wrong';
    if (this.#interims > MAX_INTERIM_RESPONSES) return this.#wrong('too many interim responses') !== 'wrong';
    const unasked = head.status === 100 && (!this.#request.expectsContinue || this.#continued);
    this.#continued ||= head.status === 100;
    if (this.#request.minorVersion === 1 && !unasked) this.#output.writeText(interimText(head));
    return true;
  }

  #beginAnswer(head: ResponseHeadParser, end: number): AnswerProgress {
    this.#hasHead = true;
    this.status = head.status;
    this.reusable = !head.close;
    this.eventStream = head.eventStream;
    this.#isPlain = head.eventStream && fieldOf(head, 'content-encoding') === undefined;
    // Where a stream begins, a line begins too.
    this.#endsLine = this.#isPlain;
    this.#beginBody(head);
    const framing = this.#framing(head);
    this.#makesChunks = framing.makesChunks;
    this.#sendsChunks = framing.makesChunks || framing.keepsChunks;
    const { bytes, end: headEnd } = head;
    const stop = this.#body.read(bytes, headEnd, end);
    if (stop < 0) return this.#wrong(this.#body.fault);
    if (this.#isPlain) this.#noteLineEnd(bytes);
    if (this.#isSmallBlock(head, stop) && passesAsItIs(head, framing)) return this.#sendAsItIs(bytes, end > stop);
    const text = this.#context.texts.of(head, framing, head.hasDate ? '' : this.#context.date());
    return this.#passOn(text, bytes, end > stop);
  }

  /** RFC 9112 section 6.3, in its order. */
  #beginBody(head: ResponseHeadParser): void {
    const { method, minorVersion, wantsTrailers } = this.#request;
    if (method === 'HEAD' || head.status === 204 || head.status === 304) this.#beginNoBody(head);
    else if (head.chunked) this.#body.beginChunked({ strip: minorVersion === 0, keepTrailers: wantsTrailers });
    else if (head.contentLength >= 0) this.#body.beginLength(head.contentLength);
    else this.#body.beginUntilClose();
  }

  /**
   * A HEAD or a 304 may well declare the body of what it stands for, but there are upstreams that send it, at any later time:
   * it would be read as the next answer (RFC 9112 section 9.2). The full lane does not go on after a HEAD either.
   */
  #beginNoBody(head: ResponseHeadParser): void {
    this.#body.beginNone();
    if (head.chunked || head.contentLength > 0) this.reusable = false;
  }

  #framing(head: ResponseHeadParser): AnswerFraming {
    let bits = this.#judge!.closesAfterAnswer() ? CLOSES : 0;
    if (head.status !== 204) bits |= FRAMED;
    // RFC 9112 section 6.1: an HTTP/1.0 client does not know chunks.
    if (this.#request.minorVersion === 1) {
      if (head.status !== 204 && head.chunked) bits |= KEEPS_CHUNKS;
      if (this.#body.kind === 'until-close') bits |= MAKES_CHUNKS;
    }
    return sharedFraming(bits);
  }

  #takeBody(bytes: Buffer, start: number, end: number): AnswerProgress {
    const stop = this.#body.read(bytes, start, end);
    if (stop < 0) return this.#wrong(this.#body.fault);
    if (this.#isPlain) this.#noteLineEnd(bytes);
    return this.#passOn('', bytes, end > stop);
  }

  #noteLineEnd(bytes: Buffer): void {
    const { pieces, pieceCount, atBoundary } = this.#body;
    if (pieceCount === 0) return;
    const [start, end] = [pieces[pieceCount - 2]!, pieces[pieceCount - 1]!];
    let last = end - 1;
    // The upstream's own chunks go on as they are: behind the data of the last one stands its CRLF, or a part of that.
    if (this.#sendsChunks && !this.#makesChunks) last = atBoundary ? end - 3 : bytes[last] === CR ? end - 2 : last;
    // Otherwise this block has that CRLF alone, and the data came in the block before.
    if (last >= start) this.#endsLine = bytes[last] === LF;
  }

  /** `text`, and behind it what the block has of the body: small as a copy or a string, large as it lies there. */
  #passOn(text: string, bytes: Buffer, excess: boolean): AnswerProgress {
    const leavesNow = this.#held === undefined && (this.forwarded || this.#body.done);
    if (leavesNow && this.#isOnePiece()) {
      const { pieces } = this.#body;
      this.#sendCopy(text, bytes, pieces[0]!, pieces[1]!);
      return this.#progress(excess);
    }
    const small = this.#smallBody(bytes);
    if (small !== undefined) return this.#send(text + small, excess);
    this.forwarded = true;
    this.#output.cork();
    if (text !== '') this.#output.writeText(text);
    this.#writePieces(bytes);
    this.#output.uncork();
    return this.#progress(excess);
  }

  /** What the block adds to the client's body, as one string; undefined when it is too large for that. */
  #smallBody(bytes: Buffer): string | undefined {
    const { pieces, pieceCount } = this.#body;
    if (pieceCount > 0 && pieces[pieceCount - 1]! - pieces[0]! > SMALL_BYTES) return undefined;
    let text = '';
    for (let index = 0; index < pieceCount; index += 2) {
      const start = pieces[index]!;
      const end = pieces[index + 1]!;
      this.bytesOut += end - start;
      const piece = textOf(bytes, start, end);
      text += this.#makesChunks ? `${(end - start).toString(16)}\r\n${piece}\r\n` : piece;
    }
    return this.#body.done ? text + this.#body.tail : text;
  }

  /** Head and body of the block are one short run of octets: nothing in between is left out, and nothing has to be added. */
  #isSmallBlock({ start, end: headEnd }: ResponseHeadParser, stop: number): boolean {
    const { pieces, pieceCount, tail } = this.#body;
    const contiguous = pieceCount === 0 ? stop === headEnd : pieceCount === 2 && pieces[0] === headEnd;
    return contiguous && stop - start <= SMALL_BYTES && tail === '';
  }

  /** The block has one short piece of the body, which goes on as it lies there: nothing has to be added to it. */
  #isOnePiece(): boolean {
    const { pieces, pieceCount, tail } = this.#body;
    return pieceCount === 2 && tail === '' && !this.#makesChunks && pieces[1]! - pieces[0]! <= SMALL_BYTES;
  }

  /** The head and what there is of the body, as they came. */
  #sendAsItIs(bytes: Buffer, excess: boolean): AnswerProgress {
    const { start, end: headEnd } = this.#context.parser;
    const { pieces, pieceCount, done } = this.#body;
    const bodyEnd = pieceCount === 0 ? headEnd : pieces[1]!;
    if (done) {
      this.#sendCopy('', bytes, start, bodyEnd);
      return this.#progress(excess);
    }
    this.bytesOut += bodyEnd - headEnd;
    return this.#send(textOf(bytes, start, bodyEnd), excess);
  }

  /** `text`, and the octets that end with what the block has of the body. */
  #sendCopy(text: string, bytes: Buffer, start: number, end: number): void {
    const { pieces, pieceCount } = this.#body;
    if (pieceCount > 0) this.bytesOut += pieces[1]! - pieces[0]!;
    this.forwarded = true;
    this.#output.writeCopy(text, bytes, start, end);
  }

  #writePieces(bytes: Buffer): void {
    const { pieces, pieceCount } = this.#body;
    for (let index = 0; index < pieceCount; index += 2) {
      const piece = bytes.subarray(pieces[index], pieces[index + 1]);
      this.bytesOut += piece.length;
      if (this.#makesChunks) this.#output.writeText(`${piece.length.toString(16)}\r\n`);
      if (this.#lasting) this.#output.writeLasting(piece);
      else this.#output.write(Buffer.from(piece));
      if (this.#makesChunks) this.#output.writeText('\r\n');
    }
    if (this.#body.done && this.#body.tail !== '') this.#output.writeText(this.#body.tail);
  }

  #send(text: string, excess: boolean): AnswerProgress {
    if (this.#held === undefined && !this.forwarded && this.#mayHold()) this.#held = '';
    if (this.#held === undefined) {
      this.forwarded = true;
      if (text !== '') this.#output.writeText(text);
      return this.#progress(excess);
    }
    this.#held += text;
    if (!this.#body.done) return 'more';
    this.forwarded = true;
    this.#output.writeText(this.#held);
    return this.#progress(excess);
  }

  #mayHold(): boolean {
    return (
      !this.#body.done &&
      this.#body.kind === 'length' &&
      this.#body.expectedBytes <= HELD_ANSWER_BYTES &&
      this.#judge!.mayHoldAnswer()
    );
  }

  #progress(excess: boolean): AnswerProgress {
    if (this.#body.done) {
      // RFC 9112 section 9.2: octets behind the answer belong to no request.
      if (excess) this.reusable = false;
      return 'whole';
    }
    return this.#output.full ? 'full' : 'more';
  }

  #wrong(fault: string): 'wrong' {
    this.fault = fault;
    return 'wrong';
  }
}
