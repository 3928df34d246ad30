// One request at a time through the fast lane: admission, an upstream connection, octets there and (by its Answer) back, and
// what to do when it goes wrong. The client's connection feeds it; one object a connection, no closures, no timers of its own.
// Once a request is over nobody else refers to it: ticket, upstream connection and waiting room have let it go.
// Long for that: it is the listener of four parties, with a few lines for each event.

import { errorMessage } from '../../../src/core/errors.js';
import type { Outcome } from '../../breaker.js';
import type { RefusalCode, Waiter } from '../../dispatcher.js';
import type { JudgedRequest } from '../../gate.js';
import type { HeadFault } from '../../http1/request-head.js';
import type { ResponseHeadParser } from '../../http1/response-head.js';
import type { Priority } from '../../priority.js';
import { problemKind, type ProblemCode } from '../../problem.js';
import { problemText } from '../../problem-text.js';
import { RequestAccount, type Ending } from '../../request-account.js';
import type { EndedBy } from '../../request-record.js';
import type { RequestFacts } from '../../retry-policy.js';
import type { Ticket } from '../../ticket.js';
import type { Upstream } from '../../upstream.js';
import type { ClientConnection } from '../client-connection.js';
import { NO_PART, type ChangingPart } from '../changing-text.js';
import { ClientProbe } from '../client-probe.js';
import type { LaneContext } from '../lane-context.js';
import { enderOf, type MessageServer } from '../message-server.js';
import { SMALL_BYTES } from '../write-block.js';
import { errorEvent } from '../error-event.js';
import { culpritOf, isRefused, outcomeOf, upstreamErrorCode } from '../upstream-error.js';
import { isAnswer, isUpstreamFailure, othersLeft } from '../failed-answer.js';
import { Answer, type AnswerJudge } from './answer.js';
import type { FastLaneContext } from './fast-lane-context.js';
import type { FastPlan } from './fast-plan.js';
import { ReplayBuffer } from './replay-buffer.js';
import { Tunnel } from './tunnel.js';
import type { UpstreamConnection, UpstreamUser } from './upstream-connection.js';

export class FastExchange implements Waiter, MessageServer, UpstreamUser, AnswerJudge {
  readonly #shared: LaneContext;
  readonly #connection: ClientConnection;
  readonly #account: RequestAccount;
  readonly #answer: Answer;
  #context!: FastLaneContext;
  #plan!: FastPlan;
  /** Of a request that has a body. */
  #replay: ReplayBuffer | undefined;
  /** For all that have one. */
  #replays: ReplayBuffer | undefined;
  #ticket: Ticket | undefined;
  usedTicket: Ticket | undefined;
  #upstream: UpstreamConnection | undefined;
  #bodyComplete = false;
  #started = false;
  #closesAfter = false;
  #failedAnswer = false;
  /** When the block came that is being read. */
  #blockAt = 0;
  #probe: ClientProbe | undefined;
  /** What it has become; from then on all else here is over. */
  #tunnel: Tunnel | undefined;

  constructor(connection: ClientConnection, shared: LaneContext) {
    this.#connection = connection;
    this.#shared = shared;
    this.#account = new RequestAccount(shared);
    this.#answer = new Answer(connection.output);
  }

  /** For the next request; the one before is over. */
  begin(context: FastLaneContext, plan: FastPlan): void {
    this.#context = context;
    this.#plan = plan;
    this.#account.begin(plan.givenId, plan.subject);
    this.#answer.begin(context, plan.request, this);
    this.#bodyComplete = plan.request.body === 'none';
    this.#replay = this.#bodyComplete ? undefined : (this.#replays ??= new ReplayBuffer());
    this.#replay?.begin(this.#shared.options.retry.replayBufferBytes);
    this.#started = false;
    this.#closesAfter = false;
    this.#failedAnswer = false;
  }

  get #request(): JudgedRequest {
    return this.#plan.request;
  }

  get affinityKey(): string {
    return this.#plan.affinityKey;
  }

  get priority(): Priority {
    return this.#plan.priority;
  }

  get tried(): readonly Upstream[] {
    return this.#account.tried;
  }

  get stream(): boolean {
    return this.#tunnel !== undefined || (this.#answer.forwarded && this.#answer.eventStream);
  }

  // MessageServer: what the client does.

  start(): void {
    this.#started = true;
    // Its account was opened in the same call: the clock has just been read.
    this.#seekUpstream(this.#account.startedAt);
    this.#replay?.own();
  }

  takesBlock(lasting: boolean): boolean {
    return !this.#started || (lasting && this.#upstream !== undefined && !this.#replay!.whole);
  }

  onBody(bytes: Buffer, inBlock: boolean): void {
    this.#account.bytesIn += bytes.length;
    const upstream = this.#upstream;
    if (upstream !== undefined) upstream.upstream.bytesMoved += bytes.length;
    if (upstream === undefined || !upstream.connected || this.#plan.repeatable) this.#replay!.keep(bytes, inBlock);
    else this.#replay!.letGo();
    if (upstream !== undefined) {
      this.#replay!.noteSent();
      if (inBlock) upstream.writeLasting(bytes);
      else upstream.write(bytes);
      if (upstream.full) this.#connection.pauseBody();
      if (this.#account.phase !== 'connect') upstream.arm(this.#shared.options.deadlines.bodyIdleMs);
    } else if (this.#started) {
      this.#pauseUntaken();
    }
  }

  onBodyEnd(): void {
    this.#bodyComplete = true;
    if (this.#ticket === undefined || this.#account.phase === 'answer') return;
    const now = this.#shared.clock.now();
    this.#ticket.waitingSince = now;
    if (this.#account.phase === 'wait') this.#upstream?.arm(this.#shared.options.deadlines.firstByteMs, now);
  }

  onHalfClosed(): void {
    this.#probe ??= new ClientProbe(this.#shared.clock, () => this.#probeClient());
    this.#probe.start();
  }

  onBodyBroken(fault: HeadFault): boolean {
    const { code } = fault;
    const { forwarded } = this.#answer;
    this.#end({ endedBy: enderOf(fault), code, status: forwarded ? this.#answer.status : problemKind(code).status });
    return forwarded;
  }

  onClientGone(): void {
    this.#end({ endedBy: 'client', status: this.#answer.forwarded ? this.#answer.status : 499 });
  }

  onClientDrained(): void {
    this.#upstream?.resume();
  }

  // Waiter: how an upstream is got.

  onTicket(ticket: Ticket): void {
    this.#ticket = ticket;
    this.usedTicket = undefined;
    this.#account.noteAdmitted(ticket.upstream, ticket.admittedAt);
    if (this.#bodyComplete) ticket.waitingSince = ticket.admittedAt;
    const upstream = this.#context.connections.take(ticket.upstream);
    upstream.user = this;
    this.#upstream = upstream;
    if (upstream.connected) this.#account.phase = 'wait';
    const { connectMs } = this.#shared.options.deadlines;
    upstream.arm(upstream.connected ? this.#patienceMs : connectMs, ticket.admittedAt);
    this.#send(upstream);
  }

  onRefused(code: RefusalCode): void {
    this.#answerProblem(code, '');
  }

  /** The upstream is being stopped and the time to finish is over. */
  abort(reason: string): void {
    if (this.#tunnel !== undefined) this.#tunnel.abort(reason);
    else this.#fail('upstream-drained', { detail: reason, endedBy: 'proxy' });
  }

  // UpstreamUser: what the upstream does.

  onConnected(): void {
    this.#account.phase = 'wait';
    this.#upstream!.arm(this.#patienceMs);
    if (this.#replay !== undefined && !this.#plan.repeatable) this.#replay.letGo();
  }

  onUpstreamBytes(bytes: Buffer, end: number, lasting: boolean): boolean {
    const upstream = this.#upstream!;
    this.#blockAt = this.#shared.clock.now();
    upstream.upstream.bytesMoved += end;
    const progress = this.#answer.take(bytes, end, lasting);
    switch (progress) {
      case 'more':
      case 'full':
        upstream.arm(this.#shared.options.deadlines.bodyIdleMs, this.#blockAt);
        return progress === 'more';
      case 'whole':
        this.#finish(this.#blockAt);
        return true;
      case 'switched':
        this.#becomeTunnel(upstream);
        return true;
      case 'wrong':
        this.#fail('bad-response', { detail: this.#answer.fault, endedBy: 'upstream' });
        return false;
      case 'dropped':
        return false;
    }
  }

  onUpstreamClosed(error: Error | undefined): void {
    this.#upstream = undefined;
    if (error === undefined && this.#answer.endsByClose()) return this.#finish();
    if (error !== undefined && isRefused(error)) this.#shared.upstreams.noteRefused(this.#ticket!.upstream);
    const detail = error === undefined ? 'it closed the connection' : errorMessage(error);
    const code = upstreamErrorCode(error);
    this.#fail(code, { detail, endedBy: culpritOf(code) });
  }

  onUpstreamDrained(): void {
    this.#connection.resumeBody();
    // It is the client's turn again.
    if (!this.#bodyComplete && this.#account.phase !== 'connect')
      this.#upstream!.arm(this.#shared.options.deadlines.bodyIdleMs);
  }

  onUpstreamDeadline(): void {
    const { phase } = this.#account;
    // It is the client that does not take what is there.
    if (phase === 'answer' && this.#connection.output.full)
      return this.#connection.cut({ reset: this.#answer.endsWithConnection });
    if (phase !== 'connect' && !this.#bodyComplete && !this.#upstream!.full) return this.#onClientSilent();
    const code = phase === 'connect' ? 'connect-timeout' : phase === 'wait' ? 'first-byte-timeout' : 'body-timeout';
    this.#fail(code, { detail: `nothing came in time in phase ${phase}`, endedBy: 'upstream' });
  }

  // AnswerJudge: what becomes of an answer.

  acceptsAnswer(head: ResponseHeadParser): boolean {
    this.#account.noteFirstByte(this.#blockAt);
    this.#ticket!.waitingSince = Infinity;
    if (head.announcesDrain) this.#context.noteAnnouncedDrain(this.#ticket!.upstream);
    this.#failedAnswer = isUpstreamFailure(head.status);
    if (this.#failedAnswer) return !this.#tryRepeat('failed-answer');
    this.#ticket!.vouch();
    return true;
  }

  mayHoldAnswer(): boolean {
    return this.#plan.repeatable && (this.#replay?.whole ?? true);
  }

  closesAfterAnswer(): boolean {
    // What stands behind a declined upgrade may have been meant for the other protocol (RFC 9110 section 7.8).
    const declined = this.#request.upgrade !== undefined;
    this.#closesAfter = declined || this.#request.close || this.#shared.draining || !this.#connection.bodyDone;
    return this.#closesAfter;
  }

  // The way there.

  /** How long a connected upstream may take to answer. To half a request nobody owes an answer: its body has to go on, no more. */
  get #patienceMs(): number {
    const { firstByteMs, bodyIdleMs } = this.#shared.options.deadlines;
    return this.#bodyComplete ? firstByteMs : bodyIdleMs;
  }

  #seekUpstream(now?: number): void {
    this.#account.phase = 'queue';
    this.#shared.dispatcher.admit(this, now);
  }

  /** Nobody takes the body yet: what is not read here waits in the kernel. */
  #pauseUntaken(): void {
    if (!this.#bodyComplete && this.#replay!.full) this.#connection.pauseBody();
  }

  #send(upstream: UpstreamConnection): void {
    const replay = this.#replay;
    if (replay === undefined) return this.#sendHead(upstream);
    if (replay.pieces.length === 0) this.#sendHead(upstream);
    else this.#sendWithBody(upstream, replay);
    if (upstream.connected && !this.#plan.repeatable) replay.letGo();
    else replay.noteSent();
    this.#connection.resumeBody();
  }

  #sendHead(upstream: UpstreamConnection): void {
    upstream.writeChanging(this.#plan.text, this.#textPart);
  }

  /** Head and what there is of the body, in one write where that is cheap. */
  #sendWithBody(upstream: UpstreamConnection, replay: ReplayBuffer): void {
    const { text } = this.#plan;
    const part = this.#textPart;
    const { pieces } = replay;
    const piece = pieces[0]!;
    if (pieces.length === 1 && piece.length <= SMALL_BYTES) return upstream.writeChanging(text, part, piece);
    replay.own();
    upstream.cork();
    upstream.writeText(text.text(part.text));
    for (const piece of pieces) upstream.write(piece);
    upstream.uncork();
  }

  get #textPart(): ChangingPart {
    return this.#plan.givenId === undefined ? this.#account.requestId : NO_PART;
  }

  #becomeTunnel(upstream: UpstreamConnection): void {
    const ticket = this.#ticket!;
    const { rest } = this.#answer;
    this.#upstream = undefined;
    this.#ticket = undefined;
    this.#account.noteFirstByte(this.#blockAt);
    ticket.waitingSince = Infinity;
    ticket.vouch();
    upstream.disarm();
    this.#probe?.stop();
    this.#answer.end();
    this.#tunnel = new Tunnel({
      connection: this.#connection,
      upstream,
      account: this.#account,
      ticket,
      protocol: this.#request.upgrade!,
      halfOpenIdleMs: this.#shared.options.deadlines.bodyIdleMs,
      log: this.#shared.log,
    });
    this.#tunnel.begin(rest);
  }

  // How it ends.

  #finish(now = this.#shared.clock.now()): void {
    const upstream = this.#upstream;
    this.#upstream = undefined;
    if (upstream !== undefined) {
      if (this.#connection.output.full) upstream.leaveBlock();
      // A request that was not read, or not written, whole would be read as the next one's beginning (CVE-2025-4366).
      if (this.#answer.reusable && this.#bodyComplete && upstream.written)
        this.#context.connections.giveBack(upstream, now);
      else upstream.destroy();
    }
    this.#account.phase = 'done';
    this.#settle();
    this.#account.recordServed(this.#answer.status, now);
    this.#giveBack(this.#failedAnswer ? 'failure' : 'success');
    this.#connection.answered(this.#closesAfter, now);
  }

  #fail(code: ProblemCode, cause: { readonly detail: string; readonly endedBy: EndedBy }): void {
    if (this.#account.over) return;
    if (!this.#tryRepeat(code)) this.#giveUp(code, cause);
  }

  /** Within its request body: the upstream is not to blame, whether it has begun to answer or not. */
  #onClientSilent(): void {
    const detail = 'the client fell silent within its request body';
    this.#giveUp('client-body-timeout', { detail, endedBy: 'client' });
  }

  /** With a problem answer, or, where the client has got something of the answer already, by breaking it off. */
  #giveUp(code: ProblemCode, { detail, endedBy }: { readonly detail: string; readonly endedBy: EndedBy }): void {
    if (!this.#answer.forwarded) return this.#answerProblem(code, detail, endedBy);
    this.#end({ endedBy, code, status: this.#answer.status });
    this.#breakOff(code);
  }

  /** Never a clean-looking end: an event stream gets an error event first, then the connection is cut. */
  #breakOff(code: ProblemCode): void {
    const answer = this.#answer;
    if (answer.eventStream && answer.canAppend && !this.#connection.output.full) answer.append(errorEvent(code));
    this.#connection.cut({ reset: answer.endsWithConnection });
  }

  /** True when another attempt is under way, or waits for an upstream. */
  #tryRepeat(cause: ProblemCode | 'failed-answer'): boolean {
    if (isAnswer(cause) && !this.#othersLeft()) return false;
    const sent = this.#sent();
    const ledger = { sent, forwarded: this.#answer.forwarded } as const;
    if (!this.#account.tryRepeat(cause, this.#facts(), ledger)) return false;
    this.#dropUpstream();
    this.#giveBack(outcomeOf(cause));
    this.#answer.restart();
    this.#seekUpstream();
    if (this.#upstream === undefined && this.#replay !== undefined) this.#pauseUntaken();
    return true;
  }

  /** Somebody else may do better. */
  #othersLeft(): boolean {
    return othersLeft(this.#shared.upstreams, this.#ticket!.upstream, this.tried);
  }

  #sent(): 'nothing' | 'part' | 'all' {
    // The connection has not come about: not a byte has left us.
    if (this.#account.phase === 'connect') return 'nothing';
    return this.#bodyComplete ? 'all' : 'part';
  }

  #facts(): RequestFacts {
    const { method, target, hasIdempotencyKey } = this.#request;
    return { method, path: target, hasIdempotencyKey, replayable: this.#replay?.whole ?? true };
  }

  #answerProblem(code: ProblemCode, detail: string, endedBy: EndedBy = 'proxy'): void {
    const close = this.closesAfterAnswer();
    const withBody = this.#request.method !== 'HEAD';
    this.#end({ endedBy, code, status: problemKind(code).status });
    this.#connection.output.writeText(problemText(code, { detail, requestId: this.#account.id, close, withBody }));
    this.#connection.answered(close);
  }

  /** Everything is let go and told, but for the client. Idempotent. */
  #end(ending: Ending): void {
    if (this.#account.over) return;
    this.#settle();
    this.#account.record(ending);
    this.#shared.dispatcher.leave(this);
    // At once: it frees the GPU.
    this.#dropUpstream();
    this.#giveBack(ending.endedBy === 'upstream' ? 'failure' : 'neutral');
  }

  #dropUpstream(): void {
    const upstream = this.#upstream;
    this.#upstream = undefined;
    upstream?.destroy();
  }

  #giveBack(outcome: Outcome): void {
    const ticket = this.#ticket;
    this.#ticket = undefined;
    if (ticket === undefined) return;
    ticket.giveBack(outcome);
    this.usedTicket = ticket;
  }

  /** The account has all there is to tell, and nothing of the request is kept here. */
  #settle(): void {
    this.#probe?.stop();
    this.#account.bytesOut = this.#answer.bytesOut;
    this.#answer.end();
    this.#replay?.letGo();
  }

  #probeClient(): void {
    if (!this.#answer.forwarded) {
      if (this.#request.minorVersion === 1) this.#connection.output.writeText('HTTP/1.1 102 Processing\r\n\r\n');
    } else if (this.#answer.canComment) this.#answer.append(':\n');
  }
}
