// How our own wire engine reads a client's bytes, without any socket: head parser, gate and body reader in turn, as a
// lane would use them.

import { Gate, JudgedRequest } from '../../proxy/gate.js';
import { BodyReader } from '../../proxy/http1/body-reader.js';
import { RequestHeadParser } from '../../proxy/http1/request-head.js';

export interface EngineReading {
  readonly requests: readonly EngineRequest[];
  readonly refused: boolean;
}

export interface EngineRequest {
  readonly method: string;
  readonly target: string;
  readonly body: string;
  /** Values of the X-A fields in turn. */
  readonly marks: readonly string[];
}

const parser = new RequestHeadParser({ maxHeadBytes: 16 * 1024, maxFields: 100 });
const gate = new Gate({ maxBodyBytes: Infinity, upgrades: ['websocket'], pseudonym: 'understudy-test' });

/** `pieces` are what comes in one read each. */
export function readWithEngine(pieces: readonly string[]): EngineReading {
  const reader = new EngineReader();
  for (const piece of pieces) {
    const outcome = reader.take(Buffer.from(piece, 'latin1'));
    if (outcome !== 'more') return { requests: reader.requests, refused: outcome === 'refused' };
  }
  return { requests: reader.requests, refused: false };
}

interface Begun {
  readonly judged: JudgedRequest;
  readonly marks: readonly string[];
  body: string;
}

class EngineReader {
  readonly requests: EngineRequest[] = [];
  readonly #body = new BodyReader();
  #pending = Buffer.alloc(0);
  #begun: Begun | undefined;

  take(bytes: Buffer): 'more' | 'refused' | 'closed' {
    this.#pending = Buffer.concat([this.#pending, bytes]);
    for (;;) {
      const outcome = this.#begun === undefined ? this.#takeHead() : this.#takeBody(this.#begun);
      if (outcome !== 'next') return outcome;
    }
  }

  #takeHead(): 'next' | 'more' | 'refused' {
    if (this.#pending.length === 0) return 'more';
    const verdict = parser.parse(this.#pending, 0);
    if (verdict !== 'complete') return verdict === 'incomplete' ? 'more' : 'refused';
    const judged = gate.judge(parser);
    if (!(judged instanceof JudgedRequest)) return 'refused';
    const indexes = Array.from({ length: parser.fields.count }, (_, index) => index);
    const marks = indexes.filter((index) => parser.lowerName(index) === 'x-a').map((index) => parser.value(index));
    this.#begun = { judged, marks, body: '' };
    this.#pending = this.#pending.subarray(parser.end);
    if (judged.body === 'none') this.#body.beginNone();
    else if (judged.body === 'length') this.#body.beginLength(judged.contentLength);
    else this.#body.beginChunked({ strip: true, keepTrailers: false });
    return 'next';
  }

  #takeBody(begun: Begun): 'next' | 'more' | 'refused' | 'closed' {
    const reader = this.#body;
    if (!reader.done) {
      if (this.#pending.length === 0) return 'more';
      const stop = reader.read(this.#pending, 0, this.#pending.length);
      if (stop < 0) return 'refused';
      for (let piece = 0; piece < reader.pieceCount; piece += 2)
        begun.body += this.#pending.toString('latin1', reader.pieces[piece], reader.pieces[piece + 1]);
      this.#pending = this.#pending.subarray(stop);
      if (!reader.done) return 'more';
    }
    const { method, target, close } = begun.judged;
    this.requests.push({ method, target, body: begun.body, marks: begun.marks });
    this.#begun = undefined;
    return close ? 'closed' : 'next';
  }
}
