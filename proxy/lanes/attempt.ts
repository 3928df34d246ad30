// One attempt at a request on one upstream, carried by undici. It tells its exchange what comes back for as long as it
// is the present attempt; once given up it is silent, whatever still arrives.

import type { Dispatcher as Undici, Pool } from 'undici';
import { errorCode } from '../../src/core/errors.js';
import type { Outcome } from '../breaker.js';
import type { ResponseHeadParser } from '../http1/response-head.js';
import type { Ticket } from '../ticket.js';
import type { LineDispatchOptions } from './upstream-client.js';
import type { LineUser, UpstreamLine } from './upstream-line.js';

export interface AttemptRequest {
  readonly method: string;
  readonly path: string;
  /** Names and values in turn. */
  readonly headers: string[];
  readonly body: Undici.DispatchOptions['body'];
}

/** What an exchange hears of its present attempt. */
export interface AttemptEvents {
  /** The request is being written: from now on it counts as sent. */
  onSending(): void;
  /** An answer before the answer; valid within this call. */
  onInterim(head: ResponseHeadParser): void;
  /** What came is not HTTP, or not safely so. */
  onBadAnswer(fault: string): void;
  onHead(status: number, reason: string, rawHeaders: readonly string[]): void;
  /** False asks for a pause until `resume`. */
  onChunk(chunk: Buffer): boolean;
  onEnd(trailers: Record<string, string | string[] | undefined>): void;
  onError(error: Error): void;
}

const GIVEN_UP = new Error('given up by the proxy');

export class Attempt implements Undici.DispatchHandler, LineUser {
  readonly ticket: Ticket;
  readonly #events: AttemptEvents;
  #controller: Undici.DispatchController | undefined;
  #line: UpstreamLine | undefined;
  #method = '';
  #live = true;
  #started = false;
  #status = 0;

  constructor(ticket: Ticket, events: AttemptEvents) {
    this.ticket = ticket;
    this.#events = events;
  }

  /** True once a byte of the request may have reached the upstream. */
  get started(): boolean {
    return this.#started;
  }

  begin(pool: Pool, { method, path, headers, body }: AttemptRequest): void {
    this.#method = method;
    const onLine = (line: UpstreamLine) => (this.#line = line);
    const options: LineDispatchOptions = { method: method, path, headers, body, onLine };
    pool.dispatch(options, this);
  }

  resume(): void {
    if (this.#live) this.#line?.letGo();
  }

  /** Ends it at once, upstream included, and gives the ticket back. Idempotent. */
  giveUp(outcome: Outcome): void {
    if (!this.#live) return;
    this.finish(outcome);
    this.#controller?.abort(GIVEN_UP);
  }

  /** It came to its end by itself. */
  finish(outcome: Outcome): void {
    this.#live = false;
    this.ticket.giveBack(outcome);
  }

  onRequestStart(controller: Undici.DispatchController): void {
    this.#controller = controller;
    if (!this.#live) return controller.abort(GIVEN_UP);
    this.#started = true;
    this.#line!.serve(this, this.#method);
    this.#events.onSending();
  }

  onInterim(head: ResponseHeadParser): void {
    if (this.#live) this.#events.onInterim(head);
  }

  onBadAnswer(fault: string): void {
    if (this.#live) this.#events.onBadAnswer(fault);
  }

  onResponseStart(controller: Undici.DispatchController, status: number): void {
    if (!this.#live) return;
    this.#status = status;
    this.#events.onHead(status, this.#line!.reason, textList(controller.rawHeaders));
  }

  onResponseData(_controller: Undici.DispatchController, chunk: Buffer): void {
    if (!this.#live) return;
    this.ticket.upstream.bytesMoved += chunk.length;
    if (!this.#events.onChunk(chunk)) this.#line!.hold();
  }

  onResponseEnd(_controller: Undici.DispatchController, trailers: Record<string, string | string[] | undefined>): void {
    // Whoever is slow to take the answer's last octets keeps nobody from hearing that the connection ends.
    this.#line!.letGo();
    if (!this.#live) return;
    const { error } = this.#line!;
    if (error === undefined) this.#events.onEnd(trailers);
    else this.#events.onError(error);
  }

  onResponseError(_controller: Undici.DispatchController, error: Error): void {
    if (!this.#live) return;
    // RFC 9110 section 8.6: the length in a 304 is that of the answer it stands for, and a 204 has no content whatever it
    // says; undici misses those bytes.
    const bodiless = this.#status === 304 || this.#status === 204;
    if (bodiless && errorCode(error) === 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH') this.#events.onEnd({});
    else this.#events.onError(error);
  }
}

function textList(rawHeaders: unknown): string[] {
  const parts = (rawHeaders ?? []) as (Buffer | string)[];
  return parts.map((part) => (typeof part === 'string' ? part : part.toString('latin1')));
}
