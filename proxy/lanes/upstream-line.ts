// A connection of undici's to an upstream, as undici gets to read it: heads and chunks are judged before, by what judges
// them in the fast lane, and interim responses go past it. It is here that reading is held, never in undici: its parser, once
// paused, fails an assertion that nobody can catch when the connection ends meanwhile. And as in the fast lane a write that
// fails within a request leaves what has come to be read, since it may be the answer (fast/upstream-socket.ts).

import type { Socket } from 'node:net';
import type { buildConnector } from 'undici';
import { BodyReader } from '../http1/body-reader.js';
import type { ResponseHeadParser } from '../http1/response-head.js';
import { isEndOfReset, resetError } from '../reset-socket.js';
import type { WriteCallback } from './direct-write.js';
import { mayBeHeard } from './stopped-reading.js';

/** The request that a line serves at present. */
export interface LineUser {
  /** An answer before the answer (RFC 9110 section 15.2); valid within this call. */
  onInterim(head: ResponseHeadParser): void;
  /** Not HTTP, or not safely so: nothing more of it is read. */
  onBadAnswer(fault: string): void;
}

type State =
  /** Whatever comes is undici's business: the rest of a body, or what comes unasked. */
  'passes' | 'head' | 'chunks';

/** The status line up to its reason. */
const BEFORE_REASON = 'HTTP/1.1 200 '.length;

export class UpstreamLine {
  readonly #parser: ResponseHeadParser;
  readonly #body = new BodyReader();
  #socket: Socket | undefined;
  #user: LineUser | undefined;
  #isHead = false;
  #state: State = 'passes';
  #held = false;
  /** Something of the request was written: what has come may be its answer. */
  #begun = false;
  /** The beginning of a head, until it is whole. */
  #partialHead: Buffer | undefined;
  /** Of the answer, octet by octet: undici takes it for UTF-8. */
  reason = '';
  /** What broke the connection. undici takes a reset for the end of an answer that has no other. */
  error: Error | undefined;

  constructor(parser: ResponseHeadParser) {
    this.#parser = parser;
  }

  /** undici has just opened it. */
  adopt(socket: Socket): void {
    const read = socket.read.bind(socket) as (size?: number) => Buffer | null;
    const write = socket._write.bind(socket);
    const writeSeveral = socket._writev!.bind(socket);
    this.#socket = socket;
    this.error = undefined;
    this.#state = 'passes';
    // Whoever held the one before is gone; a socket that is held from the start would never begin to read.
    this.#held = false;
    // Before undici's own listener: it may end the answer at once.
    socket.on('error', (error) => {
      if (socket === this.#socket) this.error ??= error;
    });
    // A reset that comes with the last octets is told as an end.
    socket.once('end', () => {
      if (socket === this.#socket && isEndOfReset(socket)) this.error ??= resetError();
    });
    socket.read = (size?: number) => (this.#held ? null : this.#judge(read(size)));
    socket._write = (chunk, encoding, callback) => write(chunk, encoding, this.#judging(socket, callback));
    socket._writev = (chunks, callback) => writeSeveral(chunks, this.#judging(socket, callback));
  }

  /** A request is about to be written: what comes from now on is its answer. */
  serve(user: LineUser, method: string): void {
    this.#user = user;
    this.#isHead = method === 'HEAD';
    this.#state = 'head';
    this.#begun = false;
    this.#partialHead = undefined;
    this.reason = '';
  }

  /** undici reads no more until `letGo`, to be called at the answer's end at the latest; what it has read already is still told. */
  hold(): void {
    this.#held = true;
  }

  /** Within undici's reading too: it learns of what there is to read once that is over. */
  letGo(): void {
    if (!this.#held) return;
    this.#held = false;
    const socket = this.#socket;
    queueMicrotask(() => socket?.emit('readable'));
  }

  #judging(socket: Socket, callback: WriteCallback): WriteCallback {
    const mayHaveAnswer = this.#begun;
    this.#begun = true;
    return (error) => {
      if (error && mayHaveAnswer && mayBeHeard(socket, error)) return;
      callback(error);
    };
  }

  /** What undici gets of a block. */
  #judge(bytes: Buffer | null): Buffer | null {
    if (bytes === null || this.#state === 'passes') return bytes;
    if (this.#state === 'chunks') return this.#judgeChunks(bytes, 0);
    if (this.#partialHead === undefined) return this.#judgeHeads(bytes);
    const joined = Buffer.concat([this.#partialHead, bytes]);
    this.#partialHead = undefined;
    return this.#judgeHeads(joined);
  }

  #judgeHeads(bytes: Buffer): Buffer | null {
    const parser = this.#parser;
    let start = 0;
    while (start < bytes.length && this.#socket?.destroyed === false) {
      const result = parser.parse(bytes, start, bytes.length);
      if (result === 'wrong') return this.#refuse(parser.fault);
      if (result === 'incomplete') {
        this.#partialHead = bytes.subarray(start);
        return null;
      }
      if (parser.status >= 200) return this.#beginAnswer(bytes, start);
      // RFC 9110 section 7.8: an upgrade that nobody asked for.
      if (parser.status === 101) return this.#refuse('a 101 that was not asked for');
      start = parser.end;
      this.#user?.onInterim(parser);
    }
    return null;
  }

  #beginAnswer(bytes: Buffer, start: number): Buffer | null {
    const { status, chunked, fieldsStart, end } = this.#parser;
    this.reason = this.#parser.text(start + BEFORE_REASON, Math.max(start + BEFORE_REASON, fieldsStart - 2));
    this.#state = 'passes';
    if (!chunked || this.#isHead || status === 204 || status === 304) return bytes.subarray(start);
    this.#state = 'chunks';
    this.#body.beginChunked({ strip: false, keepTrailers: true });
    const body = this.#judgeChunks(bytes, end);
    const head = bytes.subarray(start, end);
    return body === null ? head : Buffer.concat([head, body]);
  }

  /** Without the trailers that may not travel on: undici would believe a Content-Length among them. */
  #judgeChunks(bytes: Buffer, start: number): Buffer | null {
    const body = this.#body;
    const stop = body.read(bytes, start, bytes.length);
    if (stop < 0) return this.#refuse(body.fault);
    const { pieces, pieceCount } = body;
    if (pieceCount === 2 && !body.done) return bytes.subarray(pieces[0], pieces[1]);
    const passed: Buffer[] = [];
    for (let index = 0; index < pieceCount; index += 2) passed.push(bytes.subarray(pieces[index], pieces[index + 1]));
    if (body.done) {
      this.#state = 'passes';
      passed.push(Buffer.from(body.tail, 'latin1'), bytes.subarray(stop));
    }
    const joined = Buffer.concat(passed);
    return joined.length === 0 ? null : joined;
  }

  #refuse(fault: string): null {
    this.#state = 'head';
    this.#user?.onBadAnswer(fault);
    return null;
  }
}

/** undici's connector, with each socket that it opens given to `line`. */
export function connectorOf(line: UpstreamLine, connect: buildConnector.connector): buildConnector.connector {
  return (options, callback) =>
    connect(options, (...[error, socket]) => {
      if (error !== null) return callback(error, null);
      line.adopt(socket);
      callback(null, socket);
    });
}
