// A connection that asks for an upgrade (WebSocket): http-proxy takes it to an upstream and both ends become a tunnel.
// The ticket is out for as long as the tunnel lives. Until the upstream has answered, the request is one like any other:
// it has a deadline, and is repeated elsewhere when its upstream fails. Afterwards it ends as the app ends it, or with an
// explicit error: a close frame between two frames of a WebSocket, a reset otherwise.

import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Timer } from '../../src/core/clock.js';
import httpProxy from 'http-proxy';
import { errorMessage } from '../../src/core/errors.js';
import type { RefusalCode, Waiter } from '../dispatcher.js';
import { fieldValue } from '../headers/forward-response.js';
import { forwardRequestHeaders } from '../headers/forward-request.js';
import type { Priority } from '../priority.js';
import { problemKind, type ProblemCode } from '../problem.js';
import { problemText } from '../problem-text.js';
import { RequestAccount } from '../request-account.js';
import type { EndedBy } from '../request-record.js';
import type { Ticket } from '../ticket.js';
import type { Upstream } from '../upstream.js';
import { isUpstreamFailure } from './failed-answer.js';
import type { GuestSocket, UpgradeListener } from './guest-socket.js';
import type { LaneContext } from './lane-context.js';
import { clientFactsOf, priorityOfRequest } from './request-facts.js';
import { isRefused, upstreamErrorCode } from './undici-error.js';
import { originOf } from './upstream-pools.js';
import { closeFrame, WebSocketFrames } from './websocket-frames.js';

export type UpgradeProxy = ReturnType<typeof createUpgradeProxy>;

export function createUpgradeProxy() {
  const proxy = httpProxy.createProxyServer({ ws: true, xfwd: false });
  // Each upgrade brings its own error callback; this one keeps an error after it from being an exception.
  proxy.on('error', () => undefined);
  return proxy;
}

export interface UpgradeRequest {
  readonly request: IncomingMessage;
  readonly socket: GuestSocket;
}

/** RFC 6455 section 7.4.1 and its registry: the service restarts; a gateway lost its upstream. */
const SERVICE_RESTART = 1012;
const BAD_GATEWAY = 1014;

const NOTHING = Buffer.alloc(0);

export class Tunnel implements Waiter, UpgradeListener {
  readonly affinityKey: string;
  readonly priority: Priority;
  readonly #context: LaneContext;
  readonly #proxy: UpgradeProxy;
  readonly #request: IncomingMessage;
  readonly #socket: GuestSocket;
  readonly #account: RequestAccount;
  /** What the client gets, frame by frame; other protocols have no frames that we know. */
  readonly #frames: WebSocketFrames | undefined;
  #ticket: Ticket | undefined;
  #attempt: ClientRequest | undefined;
  #deadline: Timer | undefined;
  /** The status of the upstream's answer; 101 for a tunnel. */
  #status = 0;

  constructor(context: LaneContext, proxy: UpgradeProxy, { request, socket }: UpgradeRequest) {
    this.#context = context;
    this.#proxy = proxy;
    this.#request = request;
    this.#socket = socket;
    const id = context.requestIds.next(fieldValue(request.rawHeaders, 'x-request-id'));
    const { method = 'GET', url: path = '/' } = request;
    this.#account = new RequestAccount(context, { id, method, path, client: clientFactsOf(request, context) });
    if (request.headers.upgrade?.toLowerCase() === 'websocket') this.#frames = new WebSocketFrames();
    this.affinityKey = request.socket.remoteAddress ?? '';
    this.priority = priorityOfRequest(request, context);
  }

  get tried(): readonly Upstream[] {
    return this.#account.tried;
  }

  get stream(): boolean {
    return this.#status === 101;
  }

  start(): void {
    this.#socket.on('error', () => undefined);
    this.#socket.once('close', () => this.#onClosed());
    this.#socket.upgradeListener = this;
    this.#context.dispatcher.admit(this);
  }

  // Waiter: how an upstream is got, and lost.

  onTicket(ticket: Ticket): void {
    const { clock, options } = this.#context;
    this.#ticket = ticket;
    this.#account.noteAdmitted(ticket.upstream, ticket.admittedAt);
    this.#account.phase = 'wait';
    ticket.waitingSince = ticket.admittedAt;
    const { firstByteMs } = options.deadlines;
    const onLate = () => this.#fail('first-byte-timeout', 'the upgrade was not answered in time');
    this.#deadline = clock.startTimer(firstByteMs, onLate, { unref: true });
    this.#connect(ticket.upstream);
  }

  onRefused(code: RefusalCode): void {
    this.#answer(code);
  }

  abort(reason: string): void {
    if (this.#status === 0) return this.#fail('upstream-drained', reason, 'proxy');
    this.#breakOff('upstream-drained', { endedBy: 'proxy', closeCode: SERVICE_RESTART });
  }

  // UpgradeListener: what passes.

  onAnswerHead(status: number): void {
    this.#status = status;
    this.#account.noteFirstByte();
    if (status === 101) this.#account.phase = 'tunnel';
    this.#deadline?.cancel();
    if (this.#ticket !== undefined) this.#ticket.waitingSince = Infinity;
  }

  onPassed(bytes: Buffer, towards: 'client' | 'upstream'): void {
    if (this.#ticket !== undefined) this.#ticket.upstream.bytesMoved += bytes.length;
    if (towards === 'upstream') this.#account.bytesIn += bytes.length;
    else this.#account.bytesOut += bytes.length;
    if (towards === 'client' && this.#status === 101) this.#frames?.read(bytes);
  }

  onUpstreamEnd(): void {
    if (this.#account.over) return;
    if (this.#frames?.closing === false && this.stream) {
      this.#breakOff('upstream-reset', { endedBy: 'upstream', closeCode: BAD_GATEWAY });
    } else this.#end({ endedBy: 'served', status: this.#status });
  }

  // The way there.

  #connect(upstream: Upstream): void {
    const { address } = upstream.target;
    const target = address.kind === 'tcp' ? originOf(address) : { socketPath: address.path };
    this.#setForwardedFields();
    let attempt: ClientRequest | undefined;
    const onRequest = (request: ClientRequest) => (this.#attempt = attempt = request);
    // Told within the call: the only way to get hold of the request that http-proxy makes.
    this.#proxy.once('proxyReqWs', onRequest);
    this.#proxy.ws(this.#request, this.#socket, NOTHING, { target: target as string }, (error: unknown) =>
      this.#onUpstreamError(attempt, error),
    );
    this.#proxy.off('proxyReqWs', onRequest);
  }

  /** http-proxy forwards `headers` as they are, so ours are put in there. */
  #setForwardedFields(): void {
    const request = this.#request;
    const { trustedProxies, pseudonym } = this.#context;
    const clientAddress = request.socket.remoteAddress ?? '';
    const forwarded = forwardRequestHeaders(request.rawHeaders, {
      clientAddress,
      proto: 'http',
      host: request.headers.host ?? '',
      trusted: trustedProxies.trusts(clientAddress),
      receivedVersion: request.httpVersion,
      pseudonym,
      requestId: this.#account.id,
    });
    const { connection, upgrade } = request.headers;
    for (const name of Object.keys(request.headers)) delete request.headers[name];
    for (let index = 0; index < forwarded.length; index += 2) {
      request.headers[forwarded[index]!.toLowerCase()] = forwarded[index + 1]!;
    }
    Object.assign(request.headers, { connection, upgrade });
  }

  // When it goes wrong.

  #onUpstreamError(attempt: ClientRequest | undefined, error: unknown): void {
    // http-proxy closes the client's socket right after this call; whether and how it is closed is decided here.
    this.#socket.ignoreNextClose();
    // Given up by us: another attempt is under way, or all is over.
    if (this.#attempt !== attempt || this.#ticket === undefined || this.#account.over) return;
    if (isRefused(error)) this.#context.upstreams.noteRefused(this.#ticket.upstream);
    const code = upstreamErrorCode(error);
    if (this.#status === 0) return this.#fail(code, errorMessage(error));
    this.#breakOff(code, { endedBy: 'upstream', closeCode: BAD_GATEWAY });
  }

  /** Before there was an answer. */
  #fail(code: ProblemCode, detail: string, endedBy: EndedBy = 'upstream'): void {
    if (this.#account.over) return;
    this.#deadline?.cancel();
    const { url: path = '/' } = this.#request;
    const facts = { method: 'GET', path, hasIdempotencyKey: false, replayable: true };
    const sent = code === 'connect-failed' ? 'nothing' : 'all';
    const repeats = this.#account.tryRepeat(code, facts, { sent, forwarded: false });
    this.#giveUp(endedBy === 'proxy' ? 'neutral' : 'failure');
    if (repeats) this.#context.dispatcher.admit(this);
    else this.#answer(code, { detail, endedBy });
  }

  #giveUp(outcome: 'neutral' | 'failure'): void {
    const attempt = this.#attempt;
    const ticket = this.#ticket;
    this.#attempt = undefined;
    this.#ticket = undefined;
    attempt?.destroy();
    ticket?.giveBack(outcome);
  }

  #answer(code: ProblemCode, context: { readonly detail?: string; readonly endedBy?: EndedBy } = {}): void {
    const { detail = '', endedBy = 'proxy' } = context;
    this.#end({ endedBy, status: problemKind(code).status, code });
    const socket = this.#socket;
    if (socket.destroyed || !socket.writable) return;
    socket.end(problemText(code, { detail, requestId: this.#account.id, close: true, withBody: true }), 'latin1');
  }

  /** Never a clean-looking end. */
  #breakOff(
    code: ProblemCode,
    { endedBy, closeCode }: { readonly endedBy: EndedBy; readonly closeCode: number },
  ): void {
    if (this.#account.over) return;
    const frames = this.#frames;
    this.#end({ endedBy, status: this.#status, code });
    if (frames?.atBoundary === true && !frames.closing && this.stream) this.#socket.endWith(closeFrame(closeCode));
    else this.#socket.cut();
  }

  #onClosed(): void {
    this.#end({ endedBy: 'client', status: this.#status === 0 ? 499 : this.#status });
  }

  #end(ending: { readonly endedBy: EndedBy; readonly status: number; readonly code?: string }): void {
    if (this.#account.over) return;
    this.#account.record(ending);
    this.#deadline?.cancel();
    this.#context.dispatcher.leave(this);
    const { endedBy, status } = ending;
    const failed = endedBy === 'upstream' || (endedBy === 'served' && isUpstreamFailure(status));
    this.#ticket?.giveBack(failed ? 'failure' : endedBy === 'proxy' ? 'neutral' : 'success');
    if (this.#status === 0) this.#attempt?.destroy();
    this.#ticket = undefined;
  }
}
