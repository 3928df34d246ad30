// One attempt at a request on one upstream, carried by undici. It tells its exchange what comes back for as long as it
// is the present attempt; once given up it is silent, whatever still arrives.

import type { Dispatcher as Undici, Pool } from 'undici';
import { errorCode } from '../../src/core/errors.js';
import type { Outcome } from '../breaker.js';
import type { Ticket } from '../ticket.js';

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
  onInformation(status: number, rawHeaders: readonly string[]): void;
  onHead(status: number, message: string, rawHeaders: readonly string[]): void;
  /** False asks for a pause until `resume`. */
  onChunk(chunk: Buffer): boolean;
  onEnd(trailers: Record<string, string | string[] | undefined>): void;
  onError(error: Error): void;
}

const GIVEN_UP = new Error('given up by the proxy');

export class Attempt implements Undici.DispatchHandler {
  readonly ticket: Ticket;
  readonly #events: AttemptEvents;
  #controller: Undici.DispatchController | undefined;
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
    pool.dispatch({ method: method, path, headers, body }, this);
  }

  resume(): void {
    this.#controller?.resume();
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
    this.#events.onSending();
  }

  onResponseStart(controller: Undici.DispatchController, status: number, _headers: unknown, message = ''): void {
    if (!this.#live) return;
    this.#status = status;
    const rawHeaders = textList(controller.rawHeaders);
    if (status < 200) this.#events.onInformation(status, rawHeaders);
    else this.#events.onHead(status, message, rawHeaders);
  }

  onResponseData(controller: Undici.DispatchController, chunk: Buffer): void {
    if (!this.#live) return;
    this.ticket.upstream.bytesMoved += chunk.length;
    if (!this.#events.onChunk(chunk)) controller.pause();
  }

  onResponseEnd(_controller: Undici.DispatchController, trailers: Record<string, string | string[] | undefined>): void {
    if (this.#live) this.#events.onEnd(trailers);
  }

  onResponseError(_controller: Undici.DispatchController, error: Error): void {
    if (!this.#live) return;
    // RFC 9110 section 8.6: the length in a 304 is that of the answer it stands for; undici misses those bytes.
    if (this.#status === 304 && errorCode(error) === 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH') this.#events.onEnd({});
    else this.#events.onError(error);
  }
}

function textList(rawHeaders: unknown): string[] {
  const parts = (rawHeaders ?? []) as (Buffer | string)[];
  return parts.map((part) => (typeof part === 'string' ? part : part.toString('latin1')));
}
