// One HTTP/2 stream as a client connection of HTTP/1.1 with a single request: what is read from it is the request in HTTP/1.1,
// what is written to it is the answer in HTTP/1.1, and is taken apart again for the stream by the rules that answers of
// upstreams are read by. An answer that is broken off resets the stream: never a clean end.

import { constants, type OutgoingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import { Duplex } from 'node:stream';
import { BodyReader } from '../http1/body-reader.js';
import type { ResponseHeadParser } from '../http1/response-head.js';
import { NOT_IN_HTTP2, pairs } from './raw-fields.js';
import type { RequestText } from './request-text.js';

/** In an answer Node throws at these as well. */
const NOT_IN_ANSWERS = new Set([...NOT_IN_HTTP2, 'te', 'http2-settings']);

/** For Via and the access log. */
export const RECEIVED_VERSION = '2.0';

const BROKEN_OFF = new Error('the answer was broken off');

const NOTHING: Buffer = Buffer.alloc(0);

type Done = (error?: Error | null) => void;

export class StreamConnection extends Duplex {
  readonly encrypted = true;
  readonly receivedVersion = RECEIVED_VERSION;
  readonly #stream: ServerHttp2Stream;
  readonly #parser: ResponseHeadParser;
  readonly #chunked: boolean;
  readonly #isHead: boolean;
  readonly #body = new BodyReader();
  /** The beginning of the answer's head. */
  #head = NOTHING;
  #answering = false;
  #answered = false;
  #broken = false;
  #requestTrailers = '';
  #trailers = noHeaders();

  /** @param parser of answers' heads; others' too, since a head is done with in the turn that it was parsed in. */
  constructor(stream: ServerHttp2Stream, { text, chunked }: RequestText, parser: ResponseHeadParser) {
    super({ allowHalfOpen: true });
    this.#stream = stream;
    this.#parser = parser;
    this.#chunked = chunked;
    this.#isHead = text.startsWith('HEAD ');
    this.push(text, 'latin1');
    stream.on('data', (bytes: Buffer) => this.#onData(bytes));
    stream.once('trailers', (_headers: unknown, _flags: number, raw: string[]) => this.#keepTrailers(raw));
    stream.once('end', () => this.#onRequestEnd());
    stream.once('wantTrailers', () => this.#orBreakOff(() => stream.sendTrailers(this.#trailers)));
    stream.once('close', () => this.destroy());
    stream.pause();
  }

  /** An answer that ends with its connection does not end so. */
  resetAndDestroy(): this {
    this.#broken = true;
    return this.destroy();
  }

  override _read(): void {
    this.#stream.resume();
  }

  override _write(bytes: Buffer, _encoding: BufferEncoding, done: Done): void {
    const stream = this.#stream;
    if (stream.closed || stream.destroyed || this.#answered) return done();
    if (this.#answering) return this.#passBody(bytes, 0, done);
    this.#head = this.#head.length === 0 ? bytes : Buffer.concat([this.#head, bytes]);
    const start = this.#beginAnswer();
    if (start < 0) return done();
    const rest = this.#head;
    this.#head = NOTHING;
    this.#passBody(rest, start, done);
  }

  override _final(done: Done): void {
    this.#endWithConnection();
    done();
  }

  override _destroy(error: Error | null, done: Done): void {
    if (error === null && !this.#broken) this.#endWithConnection();
    // Reset, with INTERNAL_ERROR; `close` would end it in order first, and that is a clean end to whoever counts nothing.
    // An answer that is whole here may still be on its way to the client: that stream goes only when this is a reset.
    if (!this.#stream.closed && (!this.#answered || this.#broken)) this.#stream.destroy(BROKEN_OFF);
    done(error);
  }

  #endWithConnection(): void {
    if (this.#answering && this.#body.kind === 'until-close' && !this.#stream.closed) this.#endAnswer();
  }

  #onData(bytes: Buffer): void {
    if (this.destroyed) return;
    const piece = this.#chunked ? chunkOf(bytes) : bytes;
    if (!this.push(piece)) this.#stream.pause();
  }

  #keepTrailers(raw: readonly string[]): void {
    for (const [name, value] of pairs(raw)) this.#requestTrailers += `${name}: ${value}\r\n`;
  }

  /** Node tells the same of a stream that the client has reset, or whose connection has gone: that is no end of a body. */
  #onRequestEnd(): void {
    if (!this.destroyed && this.#chunked && !this.#stream.closed)
      this.push(`0\r\n${this.#requestTrailers}\r\n`, 'latin1');
  }

  /** Interim answers go out one by one. Returns where the answer's body begins; -1 as long as its head is not whole. */
  #beginAnswer(): number {
    const parser = this.#parser;
    for (let start = 0; start < this.#head.length; start = parser.end) {
      const result = parser.parse(this.#head, start, this.#head.length);
      if (result !== 'complete') {
        this.#head = Buffer.from(this.#head.subarray(start));
        if (result === 'wrong') this.destroy();
        return -1;
      }
      if (parser.status >= 200) return this.#respond();
      const headers = { ':status': parser.status, ...headersOf(parser) };
      if (!this.#orBreakOff(() => this.#stream.additionalHeaders(headers))) return -1;
    }
    this.#head = NOTHING;
    return -1;
  }

  #respond(): number {
    const parser = this.#parser;
    const { status, contentLength } = parser;
    const bodiless = this.#isHead || status === 204 || status === 304;
    if (bodiless || contentLength === 0) this.#body.beginNone();
    else if (parser.chunked) this.#body.beginChunked({ strip: true, keepTrailers: true });
    else if (contentLength > 0) this.#body.beginLength(contentLength);
    else this.#body.beginUntilClose();
    const headers = { ':status': status, ...headersOf(parser) };
    const how = this.#body.done ? { endStream: true } : { waitForTrailers: parser.chunked };
    this.#answering = this.#orBreakOff(() => this.#stream.respond(headers, how));
    return this.#answering ? parser.end : -1;
  }

  /** Node throws at some of what HTTP/1.1 allows: a status above 599, say. That is no answer in HTTP/2. */
  #orBreakOff(act: () => void): boolean {
    try {
      act();
      return true;
    } catch {
      this.#broken = true;
      if (!this.#stream.closed) this.#stream.destroy(BROKEN_OFF);
      this.destroy();
      return false;
    }
  }

  /** `done` once the stream has taken it: only then may the block that it lies in be read into again. */
  #passBody(bytes: Buffer, start: number, done: Done): void {
    const body = this.#body;
    if (body.done) {
      this.#endAnswer();
      return done();
    }
    const stop = body.read(bytes, start, bytes.length);
    if (stop < 0) {
      this.destroy();
      return done();
    }
    const pieces: Buffer[] = [];
    for (let index = 0; index < body.pieceCount; index += 2)
      pieces.push(bytes.subarray(body.pieces[index], body.pieces[index + 1]));
    const piece = pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces);
    if (piece.length === 0) done();
    else this.#stream.write(piece, () => done());
    if (body.done) this.#endAnswer();
  }

  #endAnswer(): void {
    if (this.#answered) return;
    this.#answered = true;
    const stream = this.#stream;
    for (const line of this.#body.tail.split('\r\n')) {
      const colon = line.indexOf(':');
      if (colon > 0) addTo(this.#trailers, line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim());
    }
    // RFC 9113 section 8.1: a client whose request is still on its way is told that nobody needs the rest.
    stream.end(() => {
      if (!stream.readableEnded && !stream.closed) stream.close(constants.NGHTTP2_NO_ERROR);
    });
  }
}

function chunkOf(bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`, 'latin1'), bytes, Buffer.from('\r\n')]);
}

function headersOf(parser: ResponseHeadParser): OutgoingHttpHeaders {
  const headers = noHeaders();
  for (let index = 0; index < parser.fields.count; index += 1) {
    const name = parser.lowerName(index);
    if (!NOT_IN_ANSWERS.has(name)) addTo(headers, name, parser.value(index));
  }
  return headers;
}

/** Any name may be in it, `constructor` too. */
function noHeaders(): OutgoingHttpHeaders {
  return Object.create(null) as OutgoingHttpHeaders;
}

/** RFC 9110 section 5.3: what is repeated may be put together, but for one. Node refuses lists of many others. */
function addTo(headers: OutgoingHttpHeaders, name: string, value: string): void {
  const before = headers[name];
  if (before === undefined) headers[name] = name === 'set-cookie' ? [value] : value;
  else if (Array.isArray(before)) before.push(value);
  else headers[name] = `${String(before)}, ${value}`;
}
