// Talks to a running instance over its Unix socket. One request a call; problem+json answers become errors. Only what waits
// for the pool may take as long as it takes: an instance that is stopped (SIGSTOP) takes requests and never answers. One whose
// folder has an owner, but whose socket nobody listens on, is just starting, or an upgrade hands it over: that takes
// milliseconds, so it is asked again for a while.

import { statSync } from 'node:fs';
import { dirname } from 'node:path';
import { Client } from 'undici';
import { systemClock, waitFor, type Clock } from '../core/clock.js';
import { errorCode, operatorError, type UnderstudyError } from '../core/errors.js';
import { livingOwner } from '../instance-owner.js';
import type { StatusView } from './status-view.js';

export interface AdminClientOptions {
  /** The instance's Unix socket. */
  readonly socketPath: string;
  /** For an answer that waits for nothing; 10 s by default. */
  readonly patienceMs?: number;
  readonly clock?: Clock;
}

export interface AdminRequest {
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE';
  readonly path: string;
  readonly body?: unknown;
  readonly signal?: AbortSignal;
}

interface ProblemBody {
  readonly code?: string;
  readonly detail?: string;
  readonly title?: string;
}

const NO_INSTANCE_CODES = new Set(['ENOENT', 'ECONNREFUSED', 'UND_ERR_CONNECT_TIMEOUT', 'ENOTDIR']);
/** Somebody listened, but was gone before the answer was complete. */
const LOST_CODES = new Set(['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE']);

/** Somebody listens, but does not answer, or does not even accept (EAGAIN: the queue of connections is full). */
const SILENCE_CODES = new Set(['EAGAIN', 'UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT']);
/** Requests that are answered only once the pool has followed, or a new process has taken over. */
const LONG_WAITS = /[?&]wait=true|^\/v1\/(backends\/|reload$|upgrade$)/;

/** Even a busy instance answers within that, unless it waits for the pool. */
export const ANSWER_PATIENCE_MS = 10_000;
const HANDOVER_PATIENCE_MS = 2_000;
const RETRY_MS = 20;

export class AdminClient {
  readonly #socketPath: string;
  readonly #patienceMs: number;
  readonly #clock: Clock;

  constructor({ socketPath, patienceMs = ANSWER_PATIENCE_MS, clock = systemClock }: AdminClientOptions) {
    this.#socketPath = socketPath;
    this.#patienceMs = patienceMs;
    this.#clock = clock;
  }

  /** @throws UnderstudyError `no-instance` when nothing listens on the socket, and nobody is about to. */
  status(signal?: AbortSignal): Promise<StatusView> {
    return this.request<StatusView>({ method: 'GET', path: '/v1/status', signal });
  }

  /**
   * Sends one request and returns the parsed JSON body.
   * @throws UnderstudyError with the instance's own code when it answers with a problem, `connection-lost` when it ended
   * before it had answered, `no-answer` when it is there and silent.
   */
  async request<T>(request: AdminRequest): Promise<T> {
    // First make sure that the instance answers at all. A stopped one would carry the order out whenever it goes on, and its
    // silence would look like a wait for the pool.
    if (request.method !== 'GET') await this.status(request.signal);
    const untilMs = this.#clock.now() + HANDOVER_PATIENCE_MS;
    for (;;) {
      try {
        return await this.#ask<T>(request);
      } catch (error) {
        if (!wasNotHeard(request, error) || this.#owner === undefined || this.#clock.now() >= untilMs) throw error;
      }
      await waitFor(this.#clock, RETRY_MS, request.signal);
    }
  }

  async #ask<T>(request: AdminRequest): Promise<T> {
    const client = this.#connect(LONG_WAITS.test(request.path) ? 0 : this.#patienceMs);
    try {
      const { statusCode, body } = await client.request({
        method: request.method,
        path: request.path,
        signal: request.signal,
        ...(request.body === undefined
          ? {}
          : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(request.body) }),
      });
      const text = await body.text();
      if (statusCode >= 400) throw problemError(statusCode, text);
      return (text === '' ? undefined : JSON.parse(text)) as T;
    } catch (error) {
      throw this.#translate(error);
    } finally {
      await client.destroy();
    }
  }

  /** The `data:` payloads of an event stream, until the signal aborts or the instance goes. */
  async *events(path: string, signal?: AbortSignal): AsyncGenerator<unknown> {
    const client = this.#connect(0);
    try {
      const { body } = await client.request({ method: 'GET', path, signal });
      let pending = '';
      for await (const chunk of body) {
        pending += String(chunk);
        const blocks = pending.split('\n\n');
        pending = blocks.pop() ?? '';
        for (const block of blocks) {
          const data = block.split('\n').find((line) => line.startsWith('data: '));
          if (data !== undefined) yield JSON.parse(data.slice('data: '.length));
        }
      }
    } catch (error) {
      if (signal?.aborted !== true) throw this.#translate(error);
    } finally {
      await client.destroy();
    }
  }

  /** @param patienceMs 0: without end. */
  #connect(patienceMs: number): Client {
    return new Client('http://understudy', {
      socketPath: this.#socketPath,
      connectTimeout: 2_000,
      headersTimeout: patienceMs,
      bodyTimeout: patienceMs,
    });
  }

  #translate(error: unknown): unknown {
    const code = errorCode(error);
    if (code === undefined) return error;
    if (code === 'EACCES' || code === 'EPERM') return notPermitted(this.#socketPath, error);
    if (LOST_CODES.has(code)) return lostError(error);
    if (SILENCE_CODES.has(code)) return this.#silentError(error);
    if (!NO_INSTANCE_CODES.has(code)) return error;
    const owner = this.#owner;
    const advice =
      owner === undefined
        ? "Start one with 'understudy run', or say which with --admin-port or --config."
        : `A process has its folder (pid ${owner}): it is just starting or ending, or somebody has removed the socket.`;
    return operatorError(
      'no-instance',
      `no running instance: nothing answers on ${this.#socketPath}. ${advice}`,
      error,
    );
  }

  /** The pid of the living process that has the folder. */
  get #owner(): number | undefined {
    return livingOwner(dirname(this.#socketPath));
  }

  #silentError(cause: unknown): UnderstudyError {
    const pid = this.#owner;
    const who = pid === undefined ? `Somebody listens on ${this.#socketPath}` : `The instance is there (pid ${pid})`;
    return noAnswer({ who, pid, patienceMs: this.#patienceMs }, cause);
  }
}

/** Nobody has heard it, or it may be asked twice. */
function wasNotHeard({ method }: AdminRequest, error: unknown): boolean {
  const code = errorCode(error);
  return code === 'no-instance' || (code === 'connection-lost' && method === 'GET');
}

/** @param who a sentence's beginning: who is there. */
export function noAnswer(
  { who, pid, patienceMs }: { readonly who: string; readonly pid?: number | undefined; readonly patienceMs: number },
  cause: unknown,
): UnderstudyError {
  return operatorError(
    'no-answer',
    `${who}, but does not answer within ${patienceMs / 1000} s: it may be stopped (SIGSTOP, a debugger); 'kill -CONT ${pid ?? 'PID'}' lets it go on then.`,
    cause,
  );
}

function lostError(cause: unknown): UnderstudyError {
  return operatorError(
    'connection-lost',
    `the instance closed the connection before it had answered: it has ended, or is about to. 'understudy status' tells whether one runs.`,
    cause,
  );
}

/** Exported for its test: root is never refused. */
export function notPermitted(socketPath: string, cause: unknown): UnderstudyError {
  const folder = dirname(socketPath);
  const uid = ownerOf(folder);
  return operatorError(
    'not-permitted',
    `Cannot reach the instance: ${socketPath} belongs to another user (uid ${uid ?? 'unknown'}). Run this with sudo, or as that user.`,
    cause,
  );
}

/** Undefined where even that may not be looked at. */
function ownerOf(folder: string): number | undefined {
  try {
    return statSync(folder).uid;
  } catch {
    return undefined;
  }
}

function problemError(statusCode: number, text: string): UnderstudyError {
  const problem = parseProblem(text);
  const detail = problem.detail ?? problem.title ?? `the instance answered ${statusCode}`;
  return operatorError(problem.code ?? 'admin-error', detail);
}

function parseProblem(text: string): ProblemBody {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : {};
  } catch {
    return {};
  }
}
