// The full lane: node:http parses, undici carries requests, http-proxy carries upgrades. The front owns accept; this
// lane is given sockets.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { errorCode } from '../../src/core/errors.js';
import { problemAnswer, type ProblemCode } from '../problem.js';
import type { Upstream } from '../upstream.js';
import { Exchange } from './exchange.js';
import type { Lane } from './lane.js';
import type { LaneContext } from './lane-context.js';
import { createUpgradeProxy, Tunnel } from './tunnel.js';
import { UpstreamPools } from './upstream-pools.js';

export class FullLane implements Lane {
  readonly #context: LaneContext;
  readonly #server: Server;
  readonly #pools: UpstreamPools;
  readonly #upgradeProxy = createUpgradeProxy();
  /** Every connection we were given, tunnels included. */
  readonly #sockets = new Set<Duplex>();
  #inflight = 0;
  #draining = false;

  constructor(context: LaneContext) {
    this.#context = context;
    this.#pools = new UpstreamPools(context.options);
    this.#server = this.#createServer();
  }

  get inflight(): number {
    return this.#inflight;
  }

  accept(socket: Socket, bytesRead?: Buffer): void {
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    if (bytesRead !== undefined && bytesRead.length > 0) socket.unshift(bytesRead);
    this.#server.emit('connection', socket);
  }

  drain(): void {
    this.#draining = true;
    this.#server.closeIdleConnections();
  }

  destroy(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#pools.destroy();
  }

  /** The upstream is gone and idle. */
  release(upstream: Upstream): void {
    this.#pools.release(upstream);
  }

  #createServer(): Server {
    const { limits, deadlines } = this.#context.options;
    const server = createServer({
      insecureHTTPParser: false,
      requireHostHeader: true,
      joinDuplicateHeaders: false,
      maxHeaderSize: limits.maxHeadBytes,
      headersTimeout: deadlines.clientHeadMs,
      // A body may take its time; what stalls is the deadlines' business, not the whole request's.
      requestTimeout: 0,
      keepAliveTimeout: deadlines.clientIdleMs,
      connectionsCheckingInterval: 1_000,
      noDelay: true,
    });
    server.maxHeadersCount = limits.maxFields;
    // Not in the types: a client that has closed its sending side is still served.
    Object.assign(server, { httpAllowHalfOpen: true });
    server.on('request', (request, response) => this.#onRequest(request, response, false));
    server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) =>
      this.#onRequest(request, response, true),
    );
    server.on('checkExpectation', (request: IncomingMessage, response: ServerResponse) =>
      this.#onRequest(request, response, false),
    );
    server.on('upgrade', (request, socket, head) => this.#onUpgrade(request, socket, head));
    server.on('connect', (request: IncomingMessage, socket: Duplex, head: Buffer) =>
      this.#onUpgrade(request, socket, head),
    );
    server.on('clientError', (error, socket) => answerClientError(error, socket));
    return server;
  }

  #onRequest(request: IncomingMessage, response: ServerResponse, expectsContinue: boolean): void {
    this.#inflight += 1;
    response.once('close', () => (this.#inflight -= 1));
    if (this.#draining) response.shouldKeepAlive = false;
    response.once('finish', () => this.#draining && request.socket.end());
    new Exchange(this.#context, this.#pools, { request, response, expectsContinue }).start();
  }

  #onUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    this.#inflight += 1;
    socket.once('close', () => (this.#inflight -= 1));
    new Tunnel(this.#context, this.#upgradeProxy, { request, socket, head }).start();
  }
}

const CLIENT_ERROR_CODES: Readonly<Record<string, ProblemCode>> = {
  HPE_HEADER_OVERFLOW: 'head-too-large',
  ERR_HTTP_REQUEST_TIMEOUT: 'client-head-timeout',
};

/** node:http could not make a request of it: say so and close. */
function answerClientError(error: unknown, socket: Duplex): void {
  if (socket.destroyed || !socket.writable || errorCode(error) === 'ECONNRESET') return void socket.destroy();
  const { status, rawHeaders, body } = problemAnswer(CLIENT_ERROR_CODES[errorCode(error) ?? ''] ?? 'bad-request');
  const fields: string[] = [];
  for (let index = 0; index < rawHeaders.length; index += 2)
    fields.push(`${rawHeaders[index]}: ${rawHeaders[index + 1]}\r\n`);
  socket.end(`HTTP/1.1 ${status} Refused\r\n${fields.join('')}Connection: close\r\n\r\n${body}`);
}
