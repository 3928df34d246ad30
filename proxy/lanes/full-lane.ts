// The full lane: node:http parses again what the gate has passed, undici carries requests.
// It serves guests: client connections that are fed to it one judged message at a time.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { problemText } from '../problem-text.js';
import type { Upstream } from '../upstream.js';
import { Exchange } from './exchange.js';
import { guestOf, type GuestSocket } from './guest-socket.js';
import type { LaneContext } from './lane-context.js';
import { UpstreamPools } from './upstream-pools.js';

const ANY_HEAD_BYTES = 2 ** 31 - 1;

export class FullLane {
  readonly #context: LaneContext;
  readonly #server: Server;
  readonly #pools: UpstreamPools;

  constructor(context: LaneContext) {
    this.#context = context;
    this.#pools = new UpstreamPools(context.options);
    this.#server = this.#createServer();
  }

  /** Serves a guest's messages from here on. */
  enter(guest: GuestSocket): void {
    this.#server.emit('connection', guest);
  }

  /** The context's options are others than before. */
  onOptionsChanged(): void {
    this.#pools.applyOptions(this.#context.options);
  }

  destroy(): void {
    this.#pools.destroy();
  }

  /** The upstream is gone and idle. */
  release(upstream: Upstream): void {
    this.#pools.release(upstream);
  }

  #createServer(): Server {
    const server = createServer({
      insecureHTTPParser: false,
      requireHostHeader: false,
      joinDuplicateHeaders: false,
      // The gate has counted already: what it passed must not fail here, whatever its limit is now.
      maxHeaderSize: ANY_HEAD_BYTES,
      // Time is the connection's business: it has deadlines for heads and idleness of its own.
      headersTimeout: 0,
      requestTimeout: 0,
      keepAliveTimeout: 0,
    });
    server.maxHeadersCount = 0;
    // Not in the types: a client that has closed its sending side is still served.
    Object.assign(server, { httpAllowHalfOpen: true });
    server.on('request', (request, response) => this.#onRequest(request, response, false));
    server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) =>
      this.#onRequest(request, response, true),
    );
    server.on('clientError', (_error, socket) => answerClientError(socket));
    return server;
  }

  #onRequest(request: IncomingMessage, response: ServerResponse, expectsContinue: boolean): void {
    const guest = guestOf(request);
    if (this.#context.draining) response.shouldKeepAlive = false;
    // Emitted once the answer is out, or the guest is gone.
    response.once('close', () => response.shouldKeepAlive && guest.answered());
    const exchange = new Exchange(this.#context, this.#pools, { request, response, expectsContinue });
    guest.server = exchange;
    exchange.start();
  }
}

/** node:http could not make a request of what the gate has passed: better refused than guessed at. */
function answerClientError(socket: Duplex): void {
  if (socket.destroyed || !socket.writable) return void socket.destroy();
  socket.end(problemText('bad-request', { close: true, withBody: true }), 'latin1');
}
