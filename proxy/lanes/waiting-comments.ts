// Comments that keep a client of an event stream, and whatever lies between, patient while its request waits for an
// upstream. The first one commits us: the head of the answer is sent, so that from then on only a stream can follow.

import type { ServerResponse } from 'node:http';
import type { Clock, Timer } from '../../src/core/clock.js';
import { fieldValue } from '../headers/forward-response.js';
import { httpDate } from '../http-date.js';

export interface WaitingCommentsOptions {
  readonly clock: Clock;
  readonly everyMs: number;
  readonly requestId: string;
}

export class WaitingComments {
  readonly #response: ServerResponse;
  readonly #options: WaitingCommentsOptions;
  #timer: Timer | undefined;
  /** The head of the answer is sent. */
  begun = false;

  constructor(response: ServerResponse, options: WaitingCommentsOptions) {
    this.#response = response;
    this.#options = options;
  }

  /** The request waits from now on. */
  start(): void {
    const { clock, everyMs } = this.#options;
    this.stop();
    this.#timer = clock.startTimer(everyMs, () => this.#comment(), { unref: true });
  }

  /** It waits no longer. Idempotent. */
  stop(): void {
    this.#timer?.cancel();
  }

  #comment(): void {
    if (!this.begun) this.#begin();
    this.#response.write(': waiting for an upstream\n\n');
    this.start();
  }

  #begin(): void {
    this.begun = true;
    const { clock, requestId } = this.#options;
    const date = httpDate(clock);
    const type = ['Content-Type', 'text/event-stream', 'Cache-Control', 'no-store'];
    this.#response.writeHead(200, [...type, 'Date', date, 'X-Request-Id', requestId]);
  }
}

/** Whether a request may get comments before its answer: it must accept a stream, and be able to take one in chunks. */
export function mayGetComments(request: {
  readonly method: string;
  readonly minorVersion: number;
  readonly accept: string | undefined;
  readonly expectsContinue: boolean;
}): boolean {
  const { method, minorVersion, accept, expectsContinue } = request;
  return method !== 'HEAD' && minorVersion === 1 && !expectsContinue && accept?.includes('text/event-stream') === true;
}

/** Whether an answer's body can go on where the comments ended. */
export function continuesStream(status: number, rawHeaders: readonly string[]): boolean {
  const isStream = fieldValue(rawHeaders, 'content-type')?.startsWith('text/event-stream') === true;
  return status === 200 && isStream && fieldValue(rawHeaders, 'content-encoding') === undefined;
}
