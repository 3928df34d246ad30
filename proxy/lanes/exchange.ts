// One request through the full lane, from its head to its record: admission, attempts, the answer's way back.
// It owns the client's side and the decision whether to try again; an Attempt owns the upstream's side. Long, because
// it answers every event of three parties (room, client, upstream), a few lines each.

import type { IncomingMessage, ServerResponse } from 'node:http';
import { errorMessage } from '../../src/core/errors.js';
import type { RefusalCode, Waiter } from '../dispatcher.js';
import { forwardRequestHeaders } from '../headers/forward-request.js';
import { fieldValue, forwardResponseHeaders } from '../headers/forward-response.js';
import { interimText, MAX_INTERIM_RESPONSES } from '../headers/response-text.js';
import { LF } from '../http1/octets.js';
import type { HeadFault } from '../http1/request-head.js';
import type { ResponseHeadParser } from '../http1/response-head.js';
import { httpDate } from '../http-date.js';
import type { Priority } from '../priority.js';
import { problemAnswer, problemKind, type ProblemCode } from '../problem.js';
import { RequestAccount, type Ending } from '../request-account.js';
import type { EndedBy } from '../request-record.js';
import { isRepeatable, type RequestFacts } from '../retry-policy.js';
import type { Ticket } from '../ticket.js';
import type { Upstream } from '../upstream.js';
import { Attempt, type AttemptEvents } from './attempt.js';
import { ClientProbe } from './client-probe.js';
import { errorEvent } from './error-event.js';
import { isAnswer, isUpstreamFailure, othersLeft } from './failed-answer.js';
import { guestOf, type GuestServer } from './guest-socket.js';
import { HeldAnswer, HELD_ANSWER_BYTES } from './held-answer.js';
import type { LaneContext } from './lane-context.js';
import { enderOf } from './message-server.js';
import { RequestBody } from './request-body.js';
import { affinityKeyOf, clientFactsOf, hasBody, priorityOfRequest, targetOf } from './request-facts.js';
import { StallWatch } from './stall-watch.js';
import { culpritOf, isRefused, outcomeOf, upstreamErrorCode } from './upstream-error.js';
import { continuesStream, mayGetComments, WaitingComments } from './waiting-comments.js';
import type { UpstreamPools } from './upstream-pools.js';

export interface ClientMessage {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** The client waits for a 100 before it sends the body. */
  readonly expectsContinue: boolean;
}

/** `status`: where it is another one than the response's. */
type ExchangeEnding = Omit<Ending, 'status'> & Partial<Pick<Ending, 'status'>>;

export class Exchange implements Waiter, AttemptEvents, GuestServer {
  readonly affinityKey: string;
  readonly priority: Priority;
  readonly #context: LaneContext;
  readonly #pools: UpstreamPools;
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #body: RequestBody | undefined;
  readonly #account: RequestAccount;
  readonly #comments: WaitingComments | undefined;
  /** Of the client. */
  readonly #stall: StallWatch;
  /** Of the upstream, within its answer. */
  readonly #silence: StallWatch;
  readonly #method: string;
  readonly #path: string;
  #awaitsContinue: boolean;
  #attempt: Attempt | undefined;
  #held: HeldAnswer | undefined;
  /** The client has got bytes of the answer: no other attempt from here on. */
  #forwarded = false;
  #eventStream = false;
  /** An event stream of no fixed length that is not compressed: there is room for comments of ours in it. */
  #isOpenEnded = false;
  /** And what the client has of it so far ends with a line's end. */
  #mayComment = false;
  #failedAnswer = false;
  #interims = 0;

  constructor(context: LaneContext, pools: UpstreamPools, { request, response, expectsContinue }: ClientMessage) {
    this.#context = context;
    this.#pools = pools;
    this.#request = request;
    this.#response = response;
    this.#method = request.method ?? 'GET';
    this.#path = request.url ?? '/';
    this.#awaitsContinue = expectsContinue;
    const givenId = context.requestIds.kept(fieldValue(request.rawHeaders, 'x-request-id'));
    const client = clientFactsOf(request, context);
    this.#account = new RequestAccount(context);
    this.#account.begin(givenId, { method: this.#method, path: this.#path, client });
    const idleMs = context.options.deadlines.bodyIdleMs;
    this.#stall = new StallWatch(context.clock, {
      idleMs,
      isItsTurn: () => this.#isClientsTurn,
      onStalled: () => this.#onStalled(),
    });
    this.#silence = new StallWatch(context.clock, {
      idleMs,
      isItsTurn: () => !this.#isClientsTurn,
      onStalled: () =>
        this.#fail('body-timeout', { detail: 'nothing came in time in phase answer', endedBy: 'upstream' }),
    });
    this.#body = hasBody(request) ? new RequestBody(request, context.options.retry.replayBufferBytes) : undefined;
    const { keepAliveCommentsMs: everyMs } = context.options.waitingRoom;
    const { accept } = request.headers;
    const facts = {
      method: this.#method,
      minorVersion: request.httpVersion === '1.1' ? 1 : 0,
      accept,
      expectsContinue,
    };
    if (everyMs !== undefined && mayGetComments(facts))
      this.#comments = new WaitingComments(response, { clock: context.clock, everyMs, requestId: this.#account.id });
    this.affinityKey = affinityKeyOf(request, context.options.balance.hashOn);
    this.priority = priorityOfRequest(request, context);
  }

  get tried(): readonly Upstream[] {
    return this.#account.tried;
  }

  get stream(): boolean {
    return this.#eventStream;
  }

  start(): void {
    this.#response.sendDate = false;
    const probe = new ClientProbe(this.#context.clock, () => this.#probeClient());
    const onHalfClose = () => probe.start();
    const onTaken = () => this.#stall.noteProgress();
    this.#request.socket.once('halfClosed', onHalfClose);
    this.#request.socket.on('taken', onTaken);
    this.#response.once('close', () => {
      probe.stop();
      this.#stall.stop();
      this.#request.socket.off('halfClosed', onHalfClose);
      this.#request.socket.off('taken', onTaken);
      this.#onClientGone();
    });
    this.#response.on('error', () => undefined);
    this.#response.on('drain', () => this.#attempt?.resume());
    if (this.#body !== undefined) this.#watchBody();
    // RFC 9112 section 9.3: a proxy keeps no connection of an HTTP/1.0 client.
    if (this.#request.httpVersion === '1.0') this.#response.shouldKeepAlive = false;
    this.#seekUpstream();
  }

  // GuestServer: what node:http does not tell.

  onBodyBroken(fault: HeadFault): boolean {
    const { code } = fault;
    const begun = this.#response.headersSent;
    this.#end({ endedBy: enderOf(fault), code, ...(begun ? {} : { status: problemKind(code).status }) });
    return begun;
  }

  // Waiter: how an upstream is got.

  onTicket(ticket: Ticket): void {
    this.#comments?.stop();
    this.#account.noteAdmitted(ticket.upstream, ticket.admittedAt);
    if (this.#awaitsContinue) this.#response.writeContinue();
    this.#awaitsContinue = false;
    if (this.#body?.complete === false) this.#stall.start();
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
    this.#account.phase = 'wait';
    this.#noteSentWhole();
  }

  onInterim(head: ResponseHeadParser): void {
    this.#interims += 1;
    if (this.#interims > MAX_INTERIM_RESPONSES) return this.onBadAnswer('too many interim responses');
    // RFC 9110 section 15.2.1: whoever waited for a 100 has got ours.
    if (head.status === 100 || this.#request.httpVersion !== '1.1' || this.#response.headersSent) return;
    // node:http writes three of them, each in its own way; before the answer's head nothing of its own is on the way.
    this.#request.socket.write(interimText(head), 'latin1');
  }

  onBadAnswer(fault: string): void {
    this.#fail('bad-response', { detail: fault, endedBy: 'upstream' });
  }

  onHead(status: number, reason: string, rawHeaders: readonly string[]): void {
    this.#account.noteFirstByte();
    this.#attempt!.ticket.waitingSince = Infinity;
    this.#silence.start();
    if (fieldValue(rawHeaders, 'x-understudy-drain') === '1')
      this.#context.upstreams.noteAnnouncedDrain(this.#attempt!.ticket.upstream);
    this.#failedAnswer = isUpstreamFailure(status);
    if (this.#failedAnswer && this.#tryRepeat('failed-answer')) return;
    if (!this.#failedAnswer) this.#attempt!.ticket.vouch();
    if (this.#comments?.begun === true) return this.#continueStream(status, rawHeaders);
    const date = httpDate(this.#context.clock);
    const head = { status, message: reason, headers: forwardResponseHeaders(rawHeaders, { status, date }) };
    if (this.#mayHold(head)) this.#held = new HeldAnswer(head);
    else this.#writeHead(head);
  }

  onChunk(chunk: Buffer): boolean {
    this.#account.bytesOut += chunk.length;
    this.#stall.noteProgress();
    this.#silence.noteProgress();
    this.#mayComment = this.#isOpenEnded && chunk.at(-1) === LF;
    if (this.#held !== undefined) {
      this.#held.add(chunk);
      return true;
    }
    if (this.#response.write(chunk)) return true;
    this.#stall.start();
    return false;
  }

  onEnd(trailers: Record<string, string | string[] | undefined>): void {
    const content = this.#held === undefined ? undefined : this.#releaseHeld(this.#held);
    const wantsTrailers = this.#request.headers.te?.includes('trailers') === true;
    if (wantsTrailers && Object.keys(trailers).length > 0) this.#response.addTrailers(trailers);
    this.#account.phase = 'done';
    this.#record({ endedBy: 'served' });
    this.#attempt?.finish(this.#failedAnswer ? 'failure' : 'success');
    this.#response.end(content);
    if (this.#isUnread) this.#stall.start();
  }

  onError(error: Error): void {
    if (isRefused(error)) this.#context.upstreams.noteRefused(this.#attempt!.ticket.upstream);
    const code = upstreamErrorCode(error);
    this.#fail(code, { detail: errorMessage(error), endedBy: culpritOf(code) });
  }

  // The way there.

  #seekUpstream(): void {
    this.#account.phase = 'queue';
    // Before: whoever is admitted at once stops them at once.
    this.#comments?.start();
    this.#context.dispatcher.admit(this);
  }

  #headersFor(host: string): string[] {
    const { trustedProxies, pseudonym } = this.#context;
    const { remoteAddress: clientAddress, encrypted, receivedVersion } = guestOf(this.#request);
    return forwardRequestHeaders(this.#request.rawHeaders, {
      clientAddress,
      proto: encrypted ? 'https' : 'http',
      host,
      trusted: trustedProxies.trusts(clientAddress),
      receivedVersion: receivedVersion ?? this.#request.httpVersion,
      pseudonym,
      requestId: this.#account.id,
    });
  }

  /** Its octets are a sign of work, its end begins the wait for an answer. */
  #watchBody(): void {
    this.#request.on('data', ({ length }: Buffer) => {
      this.#stall.noteProgress();
      this.#silence.noteProgress();
      if (this.#attempt !== undefined) this.#attempt.ticket.upstream.bytesMoved += length;
    });
    this.#request.on('resume', () => this.#stall.noteProgress());
    this.#request.once('end', () => this.#noteSentWhole());
  }

  #noteSentWhole(): void {
    if (this.#account.phase !== 'wait' || this.#body?.complete === false) return;
    this.#attempt!.ticket.waitingSince = this.#context.clock.now();
  }

  // The way back.

  /** Streams are never held, nor answers to requests that could not be repeated anyway. */
  #mayHold({ status, headers }: { readonly status: number; readonly headers: readonly string[] }): boolean {
    if (this.#method === 'HEAD' || status === 304 || !isRepeatable(this.#facts(), this.#context.safeRoutes))
      return false;
    const length = Number(fieldValue(headers, 'content-length') ?? Infinity);
    return length > 0 && length <= HELD_ANSWER_BYTES;
  }

  #writeHead(head: { readonly status: number; readonly message: string; readonly headers: string[] }): void {
    this.#forwarded = true;
    this.#eventStream = fieldValue(head.headers, 'content-type')?.startsWith('text/event-stream') === true;
    const fixed = ['content-length', 'content-encoding'].some((name) => fieldValue(head.headers, name) !== undefined);
    this.#isOpenEnded = this.#mayComment = this.#eventStream && !fixed;
    this.#closeIfUnread();
    this.#response.writeHead(head.status, head.message, head.headers);
    // At once, as `flushHeaders` would, which takes octets above ASCII for UTF-8.
    this.#response.write('', 'latin1');
  }

  /** Behind comments of ours, whose head is the client's: the answer is a stream, or an error in it. */
  #continueStream(status: number, rawHeaders: readonly string[]): void {
    this.#forwarded = true;
    this.#eventStream = this.#isOpenEnded = this.#mayComment = true;
    if (continuesStream(status, rawHeaders)) return;
    this.#fail('not-a-stream', { detail: `the upstream answered ${status}`, endedBy: 'proxy' });
  }

  /** Its head goes out with its content, in one write. */
  #releaseHeld(held: HeldAnswer): Buffer {
    this.#held = undefined;
    this.#forwarded = true;
    this.#closeIfUnread();
    this.#response.writeHead(held.head.status, held.head.message, held.head.headers);
    return held.content();
  }

  /** RFC 9112 section 9.3: with the request unread the connection can't be used again. */
  #closeIfUnread(): void {
    if (this.#body?.complete === false) this.#response.shouldKeepAlive = false;
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
    this.#attempt?.giveUp(this.#failedAnswer || context.endedBy !== 'proxy' ? 'failure' : 'neutral');
    if (this.#forwarded) this.#breakOff(code);
    else this.#answerProblem(code, context.detail);
  }

  /** Never a clean-looking end: an event stream gets an error event first, then the connection is cut. */
  #breakOff(code: ProblemCode): void {
    if (!this.#eventStream || this.#response.writableNeedDrain) return this.#cut();
    this.#response.write(errorEvent(code), () => this.#cut());
  }

  #cut(): void {
    // An HTTP/1.0 client takes the connection's clean end for the answer's.
    if (this.#request.httpVersion === '1.0') guestOf(this.#request).cut();
    else this.#response.destroy();
  }

  /** It is nobody's fault but the client's. */
  #onStalled(): void {
    if (this.#forwarded || this.#comments?.begun === true) return this.#cut();
    this.#end({ endedBy: 'client', code: 'client-body-timeout', status: 408 });
    this.#answerProblem('client-body-timeout');
  }

  /** True when another attempt is under way, or waits for an upstream. */
  #tryRepeat(cause: ProblemCode | 'failed-answer'): boolean {
    const attempt = this.#attempt!;
    if (isAnswer(cause) && !this.#othersLeft()) return false;
    const sent = !attempt.started ? 'nothing' : this.#body?.complete === false ? 'part' : 'all';
    if (!this.#account.tryRepeat(cause, this.#facts(), { sent, forwarded: this.#forwarded })) return false;
    this.#body?.takeBack();
    attempt.giveUp(outcomeOf(cause));
    this.#failedAnswer = false;
    this.#silence.stop();
    this.#seekUpstream();
    return true;
  }

  /** A failed answer is an answer: it is worth another try only where somebody else may do better. */
  #othersLeft(): boolean {
    return othersLeft(this.#context.upstreams, this.#attempt!.ticket.upstream, this.tried);
  }

  #facts(): RequestFacts {
    return {
      method: this.#method,
      path: this.#path,
      hasIdempotencyKey: this.#request.headers['idempotency-key'] !== undefined,
      replayable: this.#body?.replayable ?? true,
    };
  }

  /** It is to take what was written, or to send more of its body. */
  get #isClientsTurn(): boolean {
    return this.#isUnread || this.#body?.awaited === true;
  }

  /** The client has not taken all that was written. */
  get #isUnread(): boolean {
    return this.#request.socket.writableLength > 0;
  }

  #answerProblem(code: ProblemCode, detail?: string): void {
    const answer = problemAnswer(code, { detail, requestId: this.#account.id });
    this.#account.bytesOut += answer.body.length;
    this.#record({ endedBy: 'proxy', code, status: answer.status });
    this.#body?.drop();
    this.#comments?.stop();
    if (this.#response.destroyed) return;
    if (this.#comments?.begun === true) {
      this.#eventStream = true;
      return this.#breakOff(code);
    }
    this.#closeIfUnread();
    this.#response.writeHead(answer.status, [...answer.rawHeaders]);
    this.#response.end(this.#method === 'HEAD' ? undefined : answer.body);
  }

  #probeClient(): void {
    if (this.#account.over || this.#response.destroyed) return;
    const begun = this.#comments?.begun === true;
    if (!this.#forwarded && !begun && this.#request.httpVersion === '1.1') this.#response.writeProcessing();
    else if (this.#mayComment || (begun && !this.#forwarded)) this.#response.write(':\n');
  }

  #onClientGone(): void {
    this.#comments?.stop();
    this.#end({ endedBy: 'client', ...(this.#forwarded ? {} : { status: 499 }) });
  }

  /** By the client's doing, whatever it is: nobody is to go on with it. Idempotent. */
  #end(ending: ExchangeEnding): void {
    if (this.#account.over) return;
    this.#record(ending);
    this.#context.dispatcher.leave(this);
    // At once: it frees the GPU.
    this.#attempt?.giveUp('neutral');
  }

  #record({ endedBy, code, status = this.#response.statusCode }: ExchangeEnding): void {
    this.#silence.stop();
    this.#account.bytesIn = this.#body?.bytes ?? 0;
    this.#account.record({ endedBy, status, code });
  }
}
