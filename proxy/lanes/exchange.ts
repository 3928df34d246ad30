// One request through the full lane, from its head to its record: admission, attempts, the answer's way back.
// It owns the client's side and the decision whether to try again; an Attempt owns the upstream's side.

import type { IncomingMessage, ServerResponse } from 'node:http';
import { errorMessage } from '../../src/core/errors.js';
import type { RefusalCode, Waiter } from '../dispatcher.js';
import { forwardRequestHeaders } from '../headers/forward-request.js';
import { fieldValue, forwardResponseHeaders } from '../headers/forward-response.js';
import { problemAnswer, type ProblemCode } from '../problem.js';
import { findRequestFault } from '../request-check.js';
import type { EndedBy, Phase } from '../request-record.js';
import { isRepeatable, judgeRepeat, type RequestFacts } from '../retry-policy.js';
import type { Ticket } from '../ticket.js';
import type { Upstream } from '../upstream.js';
import { Attempt, type AttemptEvents } from './attempt.js';
import { HeldAnswer, HELD_ANSWER_BYTES } from './held-answer.js';
import type { LaneContext } from './lane-context.js';
import { RequestBody } from './request-body.js';
import { affinityKeyOf, hasBody, targetOf } from './request-facts.js';
import { isRefused, upstreamErrorCode } from './undici-error.js';
import type { UpstreamPools } from './upstream-pools.js';

/** Answers that say "not me, not now": worth another try elsewhere, and a failure to the breaker. */
const UPSTREAM_FAILURE_STATUSES = new Set([502, 503, 504]);

/** A reset needs a round trip: near clients are known to be gone after the first, far ones after the last. */
const PROBE_DELAYS_MS = [20, 200, 1_000];

export interface ClientMessage {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** The client waits for a 100 before it sends the body. */
  readonly expectsContinue: boolean;
}

interface Ending {
  readonly endedBy: EndedBy;
  readonly code?: string;
  readonly status?: number;
}

export class Exchange implements Waiter, AttemptEvents {
  readonly affinityKey: string;
  readonly tried: Upstream[] = [];
  readonly #context: LaneContext;
  readonly #pools: UpstreamPools;
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #body: RequestBody | undefined;
  readonly #requestId: string;
  readonly #method: string;
  readonly #path: string;
  readonly #startedAt: number;
  #awaitsContinue: boolean;
  #attempt: Attempt | undefined;
  #attempts = 0;
  #admittedAt: number | undefined;
  #firstByteAt: number | undefined;
  #held: HeldAnswer | undefined;
  /** The client has got bytes of the answer: no other attempt from here on. */
  #forwarded = false;
  #eventStream = false;
  #failedAnswer = false;
  #bytesOut = 0;
  #phase: Phase = 'head';
  #over = false;

  constructor(context: LaneContext, pools: UpstreamPools, { request, response, expectsContinue }: ClientMessage) {
    this.#context = context;
    this.#pools = pools;
    this.#request = request;
    this.#response = response;
    this.#method = request.method ?? 'GET';
    this.#path = request.url ?? '/';
    this.#awaitsContinue = expectsContinue;
    this.#startedAt = context.clock.now();
    this.#requestId = context.requestIds.next(fieldValue(request.rawHeaders, 'x-request-id'));
    this.#body = hasBody(request) ? new RequestBody(request, context.options.retry.replayBufferBytes) : undefined;
    this.affinityKey = affinityKeyOf(request, context.options.balance.hashOn);
  }

  start(): void {
    const { options, pseudonym, retryBudget } = this.#context;
    const { httpVersion, rawHeaders } = this.#request;
    this.#response.sendDate = false;
    const onHalfClose = () => this.#probeClient();
    this.#request.socket.once('end', onHalfClose);
    this.#response.once('close', () => {
      this.#request.socket.off('end', onHalfClose);
      this.#onClientGone();
    });
    this.#response.on('error', () => undefined);
    // RFC 9112 section 9.3: a proxy keeps no connection of an HTTP/1.0 client.
    if (httpVersion === '1.0') this.#response.shouldKeepAlive = false;
    const head = { method: this.#method, url: this.#path, httpVersion, rawHeaders };
    const fault = findRequestFault(head, options.limits.maxBodyBytes);
    if (fault !== undefined) return this.#refuse(fault.code, fault.detail);
    if (fieldValue(rawHeaders, 'via')?.includes(pseudonym) === true) return this.#refuse('loop-detected');
    retryBudget.earn();
    this.#seekUpstream();
  }

  // Waiter: how an upstream is got.

  onTicket(ticket: Ticket): void {
    this.#admittedAt = this.#context.clock.now();
    this.#attempts += 1;
    this.#phase = 'connect';
    if (this.#awaitsContinue) this.#response.writeContinue();
    this.#awaitsContinue = false;
    const { path, host } = targetOf(this.#request);
    this.#attempt = new Attempt(ticket, this);
    this.#attempt.begin(this.#pools.poolOf(ticket.upstream), {
      method: this.#method,
      path,
      headers: this.#headersFor(host),
      body: this.#body?.open() ?? null,
    });
  }

  onRefused(code: RefusalCode): void {
    this.#answerProblem(code);
  }

  /** The upstream is being stopped and the time to finish is over. */
  abort(reason: string): void {
    this.#fail('upstream-drained', { detail: reason, endedBy: 'proxy' });
  }

  // AttemptEvents: what the upstream says.

  onSending(): void {
    this.#phase = 'wait';
  }

  onInformation(status: number, rawHeaders: readonly string[]): void {
    if (this.#request.httpVersion !== '1.1') return;
    if (status === 102) this.#response.writeProcessing();
    const link = fieldValue(rawHeaders, 'link');
    if (status === 103 && link !== undefined) this.#response.writeEarlyHints({ link });
  }

  onHead(status: number, message: string, rawHeaders: readonly string[]): void {
    this.#phase = 'answer';
    this.#firstByteAt ??= this.#context.clock.now();
    this.#failedAnswer = UPSTREAM_FAILURE_STATUSES.has(status);
    if (this.#failedAnswer && this.#othersLeft() && this.#tryRepeat('failed-answer')) return;
    const date = new Date(this.#context.clock.epochNow()).toUTCString();
    const head = { status, message, headers: forwardResponseHeaders(rawHeaders, date) };
    if (this.#mayHold(head)) this.#held = new HeldAnswer(head);
    else this.#writeHead(head);
  }

  onChunk(chunk: Buffer): boolean {
    this.#bytesOut += chunk.length;
    if (this.#held !== undefined) {
      this.#held.add(chunk);
      return true;
    }
    if (this.#response.write(chunk)) return true;
    this.#response.once('drain', () => this.#attempt?.resume());
    return false;
  }

  onEnd(trailers: Record<string, string | string[] | undefined>): void {
    const content = this.#held === undefined ? undefined : this.#releaseHeld(this.#held);
    const wantsTrailers = this.#request.headers.te?.includes('trailers') === true;
    if (wantsTrailers && Object.keys(trailers).length > 0) this.#response.addTrailers(trailers);
    this.#phase = 'done';
    this.#record({ endedBy: 'served' });
    this.#attempt?.finish(this.#failedAnswer ? 'failure' : 'success');
    this.#response.end(content);
  }

  onError(error: Error): void {
    if (isRefused(error)) this.#context.upstreams.noteRefused(this.#attempt!.ticket.upstream);
    this.#fail(upstreamErrorCode(error), { detail: errorMessage(error), endedBy: 'upstream' });
  }

  // The way there.

  #seekUpstream(): void {
    this.#phase = 'queue';
    this.#context.dispatcher.admit(this);
  }

  #headersFor(host: string): string[] {
    const { trustedProxies, pseudonym } = this.#context;
    const clientAddress = this.#request.socket.remoteAddress ?? '';
    return forwardRequestHeaders(this.#request.rawHeaders, {
      clientAddress,
      proto: 'http',
      host,
      trusted: trustedProxies.trusts(clientAddress),
      receivedVersion: this.#request.httpVersion,
      pseudonym,
      requestId: this.#requestId,
    });
  }

  #refuse(code: ProblemCode, detail?: string): void {
    this.#response.shouldKeepAlive = false;
    this.#answerProblem(code, detail);
  }

  // The way back.

  /** Streams are never held, nor answers to requests that could not be repeated anyway. */
  #mayHold({ status, headers }: { readonly status: number; readonly headers: readonly string[] }): boolean {
    if (this.#method === 'HEAD' || status === 304 || !isRepeatable(this.#facts(), this.#safeRoutes)) return false;
    const length = Number(fieldValue(headers, 'content-length') ?? Infinity);
    return length > 0 && length <= HELD_ANSWER_BYTES;
  }

  #writeHead(head: { readonly status: number; readonly message: string; readonly headers: string[] }): void {
    this.#forwarded = true;
    this.#eventStream = fieldValue(head.headers, 'content-type')?.startsWith('text/event-stream') === true;
    // RFC 9112 section 9.3: with the request unread the connection can't be used again.
    if (this.#body?.complete === false) this.#response.shouldKeepAlive = false;
    this.#response.writeHead(head.status, head.message, head.headers);
    this.#response.flushHeaders();
  }

  /** Its head goes out with its content, in one write. */
  #releaseHeld(held: HeldAnswer): Buffer {
    this.#held = undefined;
    this.#forwarded = true;
    this.#response.writeHead(held.head.status, held.head.message, held.head.headers);
    return held.content();
  }

  // When it goes wrong.

  #fail(code: ProblemCode, context: { readonly detail: string; readonly endedBy: EndedBy }): void {
    this.#held = undefined;
    if (this.#tryRepeat(code)) return;
    this.#record({
      endedBy: context.endedBy,
      code,
      ...(this.#forwarded ? {} : { status: problemAnswer(code).status }),
    });
    this.#attempt?.giveUp(context.endedBy === 'proxy' ? 'neutral' : 'failure');
    if (this.#forwarded) this.#breakOff(code);
    else this.#answerProblem(code, context.detail);
  }

  /** Never a clean-looking end: an event stream gets an error event first, then the connection is cut. */
  #breakOff(code: ProblemCode): void {
    const cut = () => void this.#response.destroy();
    if (!this.#eventStream || this.#response.writableNeedDrain) return cut();
    this.#response.write(`event: error\ndata: ${JSON.stringify({ code })}\n\n`, cut);
  }

  /** True when another attempt is under way, or waits for an upstream. */
  #tryRepeat(cause: ProblemCode | 'failed-answer'): boolean {
    const attempt = this.#attempt!;
    const { retryBudget, observer } = this.#context;
    const sent = !attempt.started ? 'nothing' : this.#body?.complete === false ? 'part' : 'all';
    const verdict = judgeRepeat(
      this.#facts(),
      { sent, forwarded: this.#forwarded },
      { attempts: this.#attempts, safeRoutes: this.#safeRoutes, trySpend: () => retryBudget.trySpend() },
    );
    if (!verdict.repeat) {
      observer.onRepeatRefused(verdict.reason);
      return false;
    }
    observer.onRepeat(cause);
    this.tried.push(attempt.ticket.upstream);
    attempt.giveUp(cause === 'upstream-drained' ? 'neutral' : 'failure');
    this.#seekUpstream();
    return true;
  }

  /** A failed answer is an answer: it is worth another try only where somebody else may do better. */
  #othersLeft(): boolean {
    const failed = this.#attempt!.ticket.upstream;
    const { eligible } = this.#context.upstreams;
    return eligible.some((other) => other !== failed && other.available && !this.tried.includes(other));
  }

  #facts(): RequestFacts {
    return {
      method: this.#method,
      path: this.#path,
      hasIdempotencyKey: this.#request.headers['idempotency-key'] !== undefined,
      replayable: this.#body?.replayable ?? true,
    };
  }

  get #safeRoutes(): readonly string[] {
    return this.#context.options.retry.safeRoutes;
  }

  #answerProblem(code: ProblemCode, detail?: string): void {
    const answer = problemAnswer(code, { detail, requestId: this.#requestId });
    this.#bytesOut += answer.body.length;
    this.#record({ endedBy: 'proxy', code, status: answer.status });
    this.#body?.drop();
    if (this.#response.destroyed) return;
    this.#response.writeHead(answer.status, [...answer.rawHeaders]);
    this.#response.end(this.#method === 'HEAD' ? undefined : answer.body);
  }

  /**
   * A FIN may mean "no more from me, still listening" (RFC 9112 section 9.6) or "gone". Bytes tell: a peer that is gone
   * answers the first ones with a reset, at which the next ones fail. An interim response is harmless to one that
   * listens (RFC 9110 section 15.2), and so is a comment in an event stream.
   */
  #probeClient(probes = 0): void {
    const delayMs = PROBE_DELAYS_MS[probes];
    if (this.#over || this.#response.destroyed) return;
    if (!this.#forwarded && this.#request.httpVersion === '1.1') this.#response.writeProcessing();
    else if (this.#eventStream) this.#response.write(':\n\n');
    if (delayMs !== undefined)
      this.#context.clock.startTimer(delayMs, () => this.#probeClient(probes + 1), { unref: true });
  }

  #onClientGone(): void {
    if (this.#over) return;
    this.#record({ endedBy: 'client', ...(this.#forwarded ? {} : { status: 499 }) });
    this.#context.dispatcher.leave(this);
    // At once: it frees the GPU.
    this.#attempt?.giveUp('neutral');
  }

  /** Once, by whoever ends it first. */
  #record({ endedBy, code, status }: Ending): void {
    if (this.#over) return;
    this.#over = true;
    const now = this.#context.clock.now();
    this.#context.observer.onRequest({
      id: this.#requestId,
      method: this.#method,
      path: this.#path,
      status: status ?? this.#response.statusCode,
      upstream: this.#attempt?.ticket.upstream.id,
      attempts: this.#attempts,
      durationMs: now - this.#startedAt,
      queuedMs: (this.#admittedAt ?? now) - this.#startedAt,
      firstByteMs: this.#firstByteAt === undefined ? undefined : this.#firstByteAt - this.#startedAt,
      bytesIn: this.#body?.bytes ?? 0,
      bytesOut: this.#bytesOut,
      endedBy,
      phase: this.#phase,
      code,
    });
  }
}
