// One request through the full lane, from its head to its record: admission, attempts, the answer's way back.
// Longer than most files: the steps share one state (what was sent, what was forwarded, who ended it), and pulling them
// apart would spread that state over several owners.

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Dispatcher as Undici } from 'undici';
import { errorMessage } from '../../src/core/errors.js';
import type { RefusalCode, Waiter } from '../dispatcher.js';
import { fieldValue, forwardResponseHeaders } from '../headers/forward-response.js';
import { forwardRequestHeaders } from '../headers/forward-request.js';
import { problemAnswer, type ProblemCode } from '../problem.js';
import { findRequestFault } from '../request-check.js';
import type { EndedBy, Phase } from '../request-record.js';
import { isRepeatable, judgeRepeat } from '../retry-policy.js';
import type { Ticket } from '../ticket.js';
import type { Upstream } from '../upstream.js';
import type { LaneContext } from './lane-context.js';
import { RequestBody } from './request-body.js';
import { isRefused, upstreamErrorCode } from './undici-error.js';
import type { UpstreamPools } from './upstream-pools.js';

/** An answer that declares no more than this is held until whole, so that the request can still be repeated. */
const HELD_ANSWER_BYTES = 16 * 1024;
const UPSTREAM_FAILURE_STATUSES = new Set([502, 503, 504]);

type Controller = Undici.DispatchController;

export class Exchange implements Waiter, Undici.DispatchHandler {
  readonly affinityKey: string;
  readonly tried: Upstream[] = [];
  readonly #context: LaneContext;
  readonly #pools: UpstreamPools;
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #body: RequestBody | undefined;
  readonly #requestId: string;
  readonly #startedAt: number;
  #ticket: Ticket | undefined;
  #controller: Controller | undefined;
  #attempts = 0;
  #attemptStarted = false;
  #forwarded = false;
  #held:
    | { readonly status: number; readonly message: string; readonly headers: string[]; readonly chunks: Buffer[] }
    | undefined;
  #eventStream = false;
  #ticketAt = 0;
  #firstByteAt: number | undefined;
  #bytesOut = 0;
  #phase: Phase = 'head';
  #over = false;
  #needsContinue: boolean;

  constructor(
    context: LaneContext,
    pools: UpstreamPools,
    message: { request: IncomingMessage; response: ServerResponse; expectsContinue: boolean },
  ) {
    const { request, response } = message;
    this.#context = context;
    this.#pools = pools;
    this.#request = request;
    this.#response = response;
    this.#needsContinue = message.expectsContinue;
    this.#startedAt = context.clock.now();
    this.#requestId = context.requestIds.next(fieldValue(request.rawHeaders, 'x-request-id'));
    this.#body = hasBody(request) ? new RequestBody(request, context.options.retry.replayBufferBytes) : undefined;
    this.affinityKey = affinityKeyOf(request, context.options.balance.hashOn);
  }

  start(): void {
    const { options, pseudonym } = this.#context;
    this.#response.once('close', () => this.#onClientGone());
    this.#response.on('error', () => undefined);
    const fault = findRequestFault(
      {
        method: this.#method,
        url: this.#request.url ?? '',
        httpVersion: this.#request.httpVersion,
        rawHeaders: this.#request.rawHeaders,
      },
      options.limits.maxBodyBytes,
    );
    if (fault !== undefined) return this.#refuse(fault.code, fault.detail);
    if (fieldValue(this.#request.rawHeaders, 'via')?.includes(pseudonym) === true) return this.#refuse('loop-detected');
    this.#context.retryBudget.earn();
    this.#seekUpstream();
  }

  // --- Waiter: admission ---

  onTicket(ticket: Ticket): void {
    this.#ticket = ticket;
    this.#ticketAt = this.#context.clock.now();
    this.#attempts += 1;
    this.#attemptStarted = false;
    this.#phase = 'connect';
    if (this.#needsContinue) {
      this.#response.writeContinue();
      this.#needsContinue = false;
    }
    const { path, host } = targetOf(this.#request);
    this.#pools.poolOf(ticket.upstream).dispatch(
      {
        method: this.#method,
        path,
        headers: this.#forwardedHeaders(host),
        body: this.#body?.open() ?? null,
      },
      this,
    );
  }

  onRefused(code: RefusalCode): void {
    this.#answerProblem(code);
  }

  /** The upstream is being drained for good and the time for it is over. */
  abort(reason: string): void {
    this.#fail('upstream-drained', reason, 'proxy');
  }

  // --- undici: one attempt ---

  onRequestStart(controller: Controller): void {
    this.#controller = controller;
    this.#attemptStarted = true;
    this.#phase = 'wait';
    if (this.#over) controller.abort(GIVEN_UP);
  }

  onResponseStart(controller: Controller, status: number, _headers: unknown, message = ''): void {
    const rawHeaders = textList(controller.rawHeaders);
    if (status < 200) return this.#forwardInformation(status, rawHeaders);
    this.#phase = 'answer';
    this.#firstByteAt ??= this.#context.clock.now();
    const failed = UPSTREAM_FAILURE_STATUSES.has(status);
    if (failed && this.#tryRepeat('failed-answer')) return;
    if (failed) this.#noteFailedAnswer();
    const headers = forwardResponseHeaders(rawHeaders, new Date(this.#context.clock.epochNow()).toUTCString());
    if (this.#mayHold(status, rawHeaders)) this.#held = { status, message, headers, chunks: [] };
    else this.#beginAnswer(status, message, headers);
  }

  onResponseData(controller: Controller, chunk: Buffer): void {
    this.#bytesOut += chunk.length;
    const { upstream } = this.#ticket!;
    upstream.bytesMoved += chunk.length;
    if (this.#held !== undefined) return void this.#held.chunks.push(chunk);
    if (!this.#response.write(chunk)) {
      controller.pause();
      this.#response.once('drain', () => controller.resume());
    }
  }

  onResponseEnd(_controller: Controller, trailers: Record<string, string | string[] | undefined>): void {
    if (this.#over) return;
    if (this.#held !== undefined) this.#releaseHeld();
    if (Object.keys(trailers).length > 0 && this.#wantsTrailers()) this.#response.addTrailers(trailers);
    this.#settle({ endedBy: 'served', phase: 'done' });
    this.#returnTicket('success');
    this.#response.end();
  }

  onResponseError(_controller: Controller, error: Error): void {
    if (this.#over || isGivenUp(error)) return;
    if (isRefused(error)) this.#context.upstreams.noteRefused(this.#ticket!.upstream);
    this.#fail(upstreamErrorCode(error), errorMessage(error), 'upstream');
  }

  // --- the way there ---

  get #method(): string {
    return this.#request.method ?? 'GET';
  }

  #seekUpstream(): void {
    this.#phase = 'queue';
    this.#context.dispatcher.admit(this);
  }

  #forwardedHeaders(host: string): string[] {
    const { trustedProxies, pseudonym } = this.#context;
    const clientAddress = this.#request.socket.remoteAddress ?? '';
    const headers = forwardRequestHeaders(this.#request.rawHeaders, {
      clientAddress,
      proto: 'http',
      host,
      trusted: trustedProxies.trusts(clientAddress),
      receivedVersion: this.#request.httpVersion,
      pseudonym,
      requestId: this.#requestId,
    });
    return withHost(headers, host);
  }

  #refuse(code: ProblemCode, detail?: string): void {
    this.#response.shouldKeepAlive = false;
    this.#answerProblem(code, detail);
  }

  // --- the way back ---

  #forwardInformation(status: number, rawHeaders: readonly string[]): void {
    if (this.#request.httpVersion !== '1.1' || this.#forwarded) return;
    if (status === 102) this.#response.writeProcessing();
    if (status !== 103) return;
    const link = fieldValue(rawHeaders, 'link');
    if (link !== undefined) this.#response.writeEarlyHints({ link });
  }

  /** Streams are never held, nor answers to requests that could not be repeated anyway. */
  #mayHold(status: number, rawHeaders: readonly string[]): boolean {
    const length = Number(fieldValue(rawHeaders, 'content-length') ?? Infinity);
    return status !== 304 && this.#method !== 'HEAD' && length > 0 && length <= HELD_ANSWER_BYTES && this.#repeatable();
  }

  #beginAnswer(status: number, message: string, headers: string[]): void {
    this.#forwarded = true;
    this.#eventStream = fieldValue(headers, 'content-type')?.startsWith('text/event-stream') === true;
    this.#response.sendDate = false;
    this.#response.writeHead(status, message, headers);
    if (this.#method !== 'HEAD' && status !== 304 && status !== 204) this.#response.flushHeaders();
  }

  #releaseHeld(): void {
    const { status, message, headers, chunks } = this.#held!;
    this.#held = undefined;
    this.#forwarded = true;
    this.#response.sendDate = false;
    this.#response.writeHead(status, message, headers);
    for (const chunk of chunks) this.#response.write(chunk);
  }

  #wantsTrailers(): boolean {
    return this.#request.headers.te?.includes('trailers') === true && !this.#response.hasHeader('content-length');
  }

  // --- when it goes wrong ---

  #fail(code: ProblemCode, detail: string, endedBy: EndedBy): void {
    this.#held = undefined;
    if (!this.#forwarded && this.#tryRepeat(code)) return;
    this.#returnTicket(endedBy === 'proxy' ? 'neutral' : 'failure');
    if (!this.#forwarded) return this.#answerProblem(code, detail);
    this.#settle({ endedBy, phase: 'answer', code });
    this.#controller?.abort(GIVEN_UP);
    this.#breakOff(code);
  }

  /** Never a clean-looking end: an event stream gets an error event first, then the connection is cut. */
  #breakOff(code: ProblemCode): void {
    const cut = () => void this.#response.destroy();
    if (!this.#eventStream || this.#response.writableNeedDrain) return cut();
    this.#response.write(`event: error\ndata: ${JSON.stringify({ code })}\n\n`, cut);
  }

  #repeatable(): boolean {
    const facts = {
      method: this.#method,
      path: this.#request.url ?? '',
      hasIdempotencyKey: this.#request.headers['idempotency-key'] !== undefined,
    };
    return isRepeatable(facts, this.#context.options.retry.safeRoutes);
  }

  /** True when another attempt is under way. */
  #tryRepeat(cause: ProblemCode | 'failed-answer'): boolean {
    const { options, retryBudget, observer } = this.#context;
    const { upstream } = this.#ticket!;
    if (cause === 'failed-answer' && !this.#othersLeft(upstream)) return false;
    const verdict = judgeRepeat(
      {
        method: this.#method,
        path: this.#request.url ?? '',
        hasIdempotencyKey: this.#request.headers['idempotency-key'] !== undefined,
        replayable: this.#body?.replayable ?? true,
      },
      {
        sent: this.#attemptStarted ? (this.#body?.complete === false ? 'part' : 'all') : 'nothing',
        forwarded: this.#forwarded,
      },
      { attempts: this.#attempts, safeRoutes: options.retry.safeRoutes, trySpend: () => retryBudget.trySpend() },
    );
    if (!verdict.repeat) {
      observer.onRepeatRefused(verdict.reason);
      return false;
    }
    observer.onRepeat(cause);
    this.tried.push(upstream);
    this.#controller?.abort(GIVEN_UP);
    this.#returnTicket('failure');
    this.#seekUpstream();
    return true;
  }

  /** A failed answer is an answer: it is worth another try only where somebody else may do better. */
  #othersLeft(failed: Upstream): boolean {
    return this.#context.upstreams.eligible.some(
      (upstream) => upstream !== failed && upstream.available && !this.tried.includes(upstream),
    );
  }

  #noteFailedAnswer(): void {
    this.#failedAnswer = true;
  }
  #failedAnswer = false;

  #answerProblem(code: ProblemCode, detail?: string): void {
    if (this.#response.destroyed) return;
    const answer = problemAnswer(code, { detail, requestId: this.#requestId });
    this.#settle({ endedBy: 'proxy', phase: this.#phase, code, status: answer.status });
    this.#body?.drop();
    this.#bytesOut += answer.body.length;
    this.#response.writeHead(answer.status, [...answer.rawHeaders]);
    this.#response.end(answer.body);
  }

  #onClientGone(): void {
    if (this.#over) return;
    this.#settle({ endedBy: 'client', phase: this.#phase, status: this.#forwarded ? undefined : 499 });
    this.#context.dispatcher.leave(this);
    this.#returnTicket('neutral');
    // At once: it frees the GPU.
    this.#controller?.abort(GIVEN_UP);
  }

  #returnTicket(outcome: 'success' | 'failure' | 'neutral'): void {
    const ticket = this.#ticket;
    this.#ticket = undefined;
    ticket?.giveBack(outcome === 'success' && this.#failedAnswer ? 'failure' : outcome);
  }

  // --- the end ---

  #settle(end: {
    readonly endedBy: EndedBy;
    readonly phase: Phase;
    readonly code?: string;
    readonly status?: number;
  }): void {
    if (this.#over) return;
    this.#over = true;
    const now = this.#context.clock.now();
    this.#context.observer.onRequest({
      id: this.#requestId,
      method: this.#method,
      path: this.#request.url ?? '',
      status: end.status ?? this.#response.statusCode,
      upstream: this.#ticket?.upstream.id ?? this.tried.at(-1)?.id,
      attempts: this.#attempts,
      durationMs: now - this.#startedAt,
      queuedMs: (this.#ticketAt === 0 ? now : this.#ticketAt) - this.#startedAt,
      firstByteMs: this.#firstByteAt === undefined ? undefined : this.#firstByteAt - this.#startedAt,
      bytesIn: this.#body?.bytes ?? 0,
      bytesOut: this.#bytesOut,
      endedBy: end.endedBy,
      phase: end.phase,
      code: end.code,
    });
  }
}

/** The reason that we give undici when we end an attempt ourselves. */
const GIVEN_UP = new Error('given up by the proxy');

function isGivenUp(error: unknown): boolean {
  return error === GIVEN_UP;
}

/** RFC 9112 section 6.3: a request has a body when it says so, whatever its method. */
function hasBody(request: IncomingMessage): boolean {
  return request.headers['transfer-encoding'] !== undefined || Number(request.headers['content-length'] ?? 0) > 0;
}

interface Target {
  readonly path: string;
  readonly host: string;
}

/** RFC 9112 section 3.2.2: an absolute target's authority replaces the Host field. */
function targetOf(request: IncomingMessage): Target {
  const url = request.url ?? '/';
  const match = /^http:\/\/([^/?#]*)(.*)$/i.exec(url);
  if (match === null) return { path: url, host: request.headers.host ?? '' };
  const rest = match[2]!;
  if (rest === '' && request.method === 'OPTIONS') return { path: '*', host: match[1]! };
  return { path: rest.startsWith('/') ? rest : `/${rest}`, host: match[1]! };
}

function withHost(headers: string[], host: string): string[] {
  const kept: string[] = [];
  for (let index = 0; index < headers.length; index += 2) {
    if (headers[index]!.toLowerCase() !== 'host') kept.push(headers[index]!, headers[index + 1]!);
  }
  return ['Host', host, ...kept];
}

function textList(rawHeaders: unknown): string[] {
  return ((rawHeaders ?? []) as (Buffer | string)[]).map((part) =>
    typeof part === 'string' ? part : part.toString('latin1'),
  );
}

function affinityKeyOf(request: IncomingMessage, hashOn: string): string {
  const [kind, name = ''] = hashOn.split(':');
  const address = request.socket.remoteAddress ?? '';
  if (kind === 'header') return String(request.headers[name.toLowerCase()] ?? address);
  if (kind !== 'cookie') return address;
  const cookies = (request.headers.cookie ?? '').split(';').map((part) => part.trim());
  return cookies.find((cookie) => cookie.startsWith(`${name}=`))?.slice(name.length + 1) ?? address;
}
