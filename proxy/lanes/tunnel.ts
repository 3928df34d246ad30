// A connection that asks for an upgrade (WebSocket): http-proxy takes it to an upstream and both ends become a tunnel.
// The ticket is out for as long as the tunnel lives.

import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import httpProxy from 'http-proxy';
import { errorMessage } from '../../src/core/errors.js';
import type { RefusalCode, Waiter } from '../dispatcher.js';
import { fieldValue } from '../headers/forward-response.js';
import { forwardRequestHeaders } from '../headers/forward-request.js';
import type { Priority } from '../priority.js';
import { problemKind, type ProblemCode } from '../problem.js';
import { problemText } from '../problem-text.js';
import type { EndedBy } from '../request-record.js';
import type { Ticket } from '../ticket.js';
import type { Upstream } from '../upstream.js';
import type { LaneContext } from './lane-context.js';
import { priorityOfRequest } from './request-facts.js';
import { isRefused, upstreamErrorCode } from './undici-error.js';
import { originOf } from './upstream-pools.js';

export type UpgradeProxy = ReturnType<typeof createUpgradeProxy>;

export function createUpgradeProxy() {
  const proxy = httpProxy.createProxyServer({ ws: true, xfwd: false });
  // Each upgrade brings its own error callback; this one keeps an error after it from being an exception.
  proxy.on('error', () => undefined);
  return proxy;
}

export interface UpgradeRequest {
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  /** What the client sent behind the head. */
  readonly head: Buffer;
}

/** RFC 6455 section 7.4.1: 1012, the service restarts. A whole unmasked close frame. */
const CLOSE_SERVICE_RESTART = Buffer.from([0x88, 0x02, 0x03, 0xf4]);

export class Tunnel implements Waiter {
  readonly affinityKey: string;
  readonly priority: Priority;
  readonly tried: readonly Upstream[] = [];
  readonly #context: LaneContext;
  readonly #proxy: UpgradeProxy;
  readonly #upgrade: UpgradeRequest;
  readonly #requestId: string;
  readonly #startedAt: number;
  #ticket: Ticket | undefined;
  #ticketAt = 0;
  #over = false;

  constructor(context: LaneContext, proxy: UpgradeProxy, upgrade: UpgradeRequest) {
    this.#context = context;
    this.#proxy = proxy;
    this.#upgrade = upgrade;
    this.#startedAt = context.clock.now();
    this.#requestId = context.requestIds.next(fieldValue(upgrade.request.rawHeaders, 'x-request-id'));
    this.affinityKey = upgrade.request.socket.remoteAddress ?? '';
    this.priority = priorityOfRequest(upgrade.request, context);
  }

  start(): void {
    const { socket } = this.#upgrade;
    socket.on('error', () => undefined);
    socket.once('close', () => this.#end({ endedBy: 'client', status: this.#ticket === undefined ? 499 : 101 }));
    this.#context.dispatcher.admit(this);
  }

  onTicket(ticket: Ticket): void {
    this.#ticket = ticket;
    this.#ticketAt = this.#context.clock.now();
    const { request, socket, head } = this.#upgrade;
    const { address } = ticket.upstream.target;
    const target = address.kind === 'tcp' ? originOf(address) : { socketPath: address.path };
    this.#setForwardedFields();
    this.#proxy.ws(request, socket, head, { target: target as string }, (error: unknown) =>
      this.#onUpstreamError(error),
    );
  }

  onRefused(code: RefusalCode): void {
    this.#answer(code);
  }

  abort(): void {
    const { socket } = this.#upgrade;
    this.#end({ endedBy: 'proxy', status: 101, code: 'upstream-drained' });
    socket.end(CLOSE_SERVICE_RESTART, () => socket.destroy());
  }

  /** http-proxy forwards `headers` as they are, so ours are put in there. */
  #setForwardedFields(): void {
    const { request } = this.#upgrade;
    const { trustedProxies, pseudonym } = this.#context;
    const clientAddress = request.socket.remoteAddress ?? '';
    const forwarded = forwardRequestHeaders(request.rawHeaders, {
      clientAddress,
      proto: 'http',
      host: request.headers.host ?? '',
      trusted: trustedProxies.trusts(clientAddress),
      receivedVersion: request.httpVersion,
      pseudonym,
      requestId: this.#requestId,
    });
    const { connection, upgrade } = request.headers;
    for (const name of Object.keys(request.headers)) delete request.headers[name];
    for (let index = 0; index < forwarded.length; index += 2) {
      request.headers[forwarded[index]!.toLowerCase()] = forwarded[index + 1]!;
    }
    Object.assign(request.headers, { connection, upgrade });
  }

  #onUpstreamError(error: unknown): void {
    const upstream = this.#ticket?.upstream;
    if (upstream !== undefined && isRefused(error)) this.#context.upstreams.noteRefused(upstream);
    this.#ticket?.giveBack('failure');
    this.#ticket = undefined;
    this.#answer(upstreamErrorCode(error), errorMessage(error));
  }

  #answer(code: ProblemCode, detail?: string): void {
    const { socket } = this.#upgrade;
    this.#end({ endedBy: 'proxy', status: problemKind(code).status, code });
    if (socket.destroyed || !socket.writable) return;
    socket.end(problemText(code, { detail, requestId: this.#requestId, close: true, withBody: true }), 'latin1');
  }

  #end(end: { readonly endedBy: EndedBy; readonly status: number; readonly code?: string }): void {
    if (this.#over) return;
    this.#over = true;
    const { request } = this.#upgrade;
    const now = this.#context.clock.now();
    this.#context.dispatcher.leave(this);
    this.#context.observer.onRequest({
      id: this.#requestId,
      method: request.method ?? 'GET',
      path: request.url ?? '',
      status: end.status,
      upstream: this.#ticket?.upstream.id,
      attempts: this.#ticketAt === 0 ? 0 : 1,
      durationMs: now - this.#startedAt,
      queuedMs: (this.#ticketAt === 0 ? now : this.#ticketAt) - this.#startedAt,
      firstByteMs: undefined,
      bytesIn: 0,
      bytesOut: 0,
      endedBy: end.endedBy,
      phase: this.#ticketAt === 0 ? 'queue' : 'tunnel',
      code: end.code,
    });
    this.#ticket?.giveBack(end.endedBy === 'client' ? 'success' : 'neutral');
    this.#ticket = undefined;
  }
}
