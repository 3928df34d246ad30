// A client's view under load: some connections that ask again as soon as they are answered, and an account of every
// request: answered by the app, or failed and why, and whether the failure could have been saved.

import { Agent, type Dispatcher } from 'undici';
import { waitFor, type Clock } from '../core/clock.js';
import { errorCode, errorMessage } from '../core/errors.js';
import { FAULT_HEADER } from './fault-relay.js';

export interface ClientRequest {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface Outcome {
  readonly request: ClientRequest;
  readonly startedAtMs: number;
  readonly durationMs: number;
  /** Undefined when no answer began. */
  readonly status?: number;
  /** Why it failed, in a word or two; undefined when the app answered it. */
  readonly failure?: string;
  /** It failed though another attempt was possible: nothing of an answer had come, and repeating does no harm. */
  readonly avoidable: boolean;
}

export interface ClientLoadOptions {
  /** Asked before each request. */
  readonly url: () => string;
  readonly connections: number;
  /** Between an answer and the next request on the same connection. */
  readonly thinkMs: number;
  readonly clock: Clock;
  /** The next request to send. */
  readonly next: () => ClientRequest;
  readonly onOutcome: (outcome: Outcome, body: string) => void;
}

/** What is still under way so long after the end may never end: an event stream, say. */
const LAST_ANSWERS_MS = 10_000;
/** Of an answer, for whoever looks into it. */
const KEPT_BODY_CHARS = 64 * 1024;
/** What our problem codes say was never sent to a worker. */
const NEVER_SENT = new Set(['connect-failed', 'connect-timeout', 'queue-full', 'queue-timeout']);

export class ClientLoad {
  readonly #options: ClientLoadOptions;
  readonly #agent: Agent;
  readonly #loops: readonly Promise<void>[];
  #stopped = false;
  #silent = false;

  constructor(options: ClientLoadOptions) {
    this.#options = options;
    // It is the proxy that has deadlines: a client that gives up first would only hide what becomes of them.
    this.#agent = new Agent({ connections: options.connections, headersTimeout: 0, bodyTimeout: 0 });
    this.#loops = Array.from({ length: options.connections }, () => this.#loop());
  }

  /** Resolves when everything in flight has ended, or the signal or ten seconds have: what is broken off then is no outcome. */
  async stop(signal?: AbortSignal): Promise<void> {
    this.#stopped = true;
    const ended = new AbortController();
    const signals = signal === undefined ? [ended.signal] : [signal, ended.signal];
    const patience = waitFor(this.#options.clock, LAST_ANSWERS_MS, AbortSignal.any(signals)).catch(() => undefined);
    await Promise.race([Promise.all(this.#loops), patience]);
    ended.abort();
    this.#silent = true;
    await this.#agent.destroy();
  }

  async #loop(): Promise<void> {
    const { clock, next, thinkMs, onOutcome } = this.#options;
    while (!this.#stopped) {
      const request = next();
      const startedAtMs = clock.now();
      const { body, ...result } = await this.#ask(request);
      if (!this.#silent) onOutcome({ request, startedAtMs, durationMs: clock.now() - startedAtMs, ...result }, body);
      if (thinkMs > 0) await this.#think();
    }
  }

  async #ask(request: ClientRequest): Promise<Judgement & { readonly status?: number; readonly body: string }> {
    let status: number | undefined;
    let body = '';
    try {
      const { method, path, headers } = request;
      const options = { origin: this.#options.url(), method, path, headers: { ...headers }, body: request.body };
      const response = await this.#agent.request(options);
      status = response.statusCode;
      for await (const chunk of response.body) {
        if (body.length < KEPT_BODY_CHARS) body += String(chunk);
      }
      return { ...judgeAnswer(request, response), status, body };
    } catch (error) {
      const failure = errorCode(error) ?? errorMessage(error);
      if (status !== undefined) return { failure: `${failure} within the answer`, avoidable: false, status, body };
      return { failure, avoidable: isIdempotent(request), body };
    }
  }

  #think(): Promise<void> {
    return new Promise((resolve) => void this.#options.clock.startTimer(this.#options.thinkMs, resolve));
  }
}

type Judgement = Pick<Outcome, 'failure' | 'avoidable'>;

function judgeAnswer(
  request: ClientRequest,
  { statusCode, headers }: Pick<Dispatcher.ResponseData, 'statusCode' | 'headers'>,
): Judgement {
  const reason = headers['x-understudy-reason'];
  if (typeof reason === 'string') {
    return { failure: `${statusCode} ${reason}`, avoidable: isIdempotent(request) || NEVER_SENT.has(reason) };
  }
  const fault = headers[FAULT_HEADER];
  if (typeof fault === 'string') return { failure: `${statusCode} ${fault}`, avoidable: isIdempotent(request) };
  return { avoidable: false };
}

function isIdempotent({ method, headers }: ClientRequest): boolean {
  return method === 'GET' || headers?.['idempotency-key'] !== undefined;
}
