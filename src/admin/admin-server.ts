// The admin API's two listeners: a Unix socket (0600, full rights) and TCP on loopback (reads free, changes by token).

import { randomBytes, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, lstatSync, renameSync, rmSync, type Stats } from 'node:fs';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { isIP, type AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import type { Duplex } from 'node:stream';
import fastify, { type FastifyInstance } from 'fastify';
import { errorCode, errorMessage, operatorError } from '../core/errors.js';
import type { AdminOperations } from './operations.js';
import { answerProblem, badRequest, connectionProblem, endWithProblem, sendProblem } from './problem.js';
import { MAX_BODY_BYTES, registerRoutes, translateFastifyError } from './routes.js';

export interface AdminServerOptions {
  readonly host: string;
  /** 0 takes a free port. */
  readonly port: number;
  readonly socketPath: string;
  /** What a change over TCP must carry as `Authorization: Bearer <token>`; an upgrade brings it only after the server is made. */
  readonly token: () => string;
}

export class AdminServer {
  readonly #options: AdminServerOptions;
  readonly #servers: readonly [FastifyInstance, FastifyInstance];
  /** The socket's file that is ours to remove. */
  #file: Stats | undefined;

  constructor(options: AdminServerOptions, operations: AdminOperations) {
    this.#options = options;
    const unixServer = createServer(operations);
    const tcpServer = createServer(operations);
    if (isLoopback(options.host)) refuseForeignNames(tcpServer);
    requireToken(tcpServer, options.token);
    this.#servers = [unixServer, tcpServer];
  }

  /** All of `listen` that takes its time. */
  async prepare(): Promise<void> {
    await Promise.all(this.#servers.map((server) => server.ready()));
  }

  /** Listens on both. @throws UnderstudyError `admin-listen` that names the address. */
  async listen(): Promise<{ readonly port: number }> {
    const [unixServer, tcpServer] = this.#servers;
    const { host, port, socketPath } = this.#options;
    const bound = this.#nameToBind();
    await listenOn(unixServer, { path: bound }, socketPath);
    this.#show(bound);
    await listenOn(tcpServer, { host, port }, `${host}:${port}`);
    return { port: (tcpServer.server.address() as AddressInfo).port };
  }

  /** Whoever goes to the socket's path gets to us. */
  get reachable(): boolean {
    try {
      const present = lstatSync(this.#options.socketPath);
      // As long as we listen nobody else's file can have our file's number.
      return present.ino === this.#file?.ino && present.dev === this.#file.dev;
    } catch {
      return false;
    }
  }

  /** Listens on the socket anew, in the place of whatever is there; what is open on the old one stays. @throws the system's error. */
  async reopenSocket(): Promise<void> {
    const { server } = this.#servers[0];
    const bound = this.#nameToBind();
    server.close();
    await once(server.listen(bound), 'listening');
    this.#show(bound);
  }

  /** Ends both listeners and what is open on them; removes the socket file, unless it is somebody else's. Idempotent. */
  async close(): Promise<void> {
    if (this.reachable) rmSync(this.#options.socketPath, { force: true });
    await Promise.all(this.#servers.map(closeServer));
  }

  /** Of no more octets than the socket's own; when its listener closes libuv removes that name, and nobody's socket with it. */
  #nameToBind(): string {
    return join(dirname(this.#options.socketPath), `.${randomBytes(4).toString('hex')}`);
  }

  #show(bound: string): void {
    chmodSync(bound, 0o600);
    renameSync(bound, this.#options.socketPath);
    this.#file = lstatSync(this.#options.socketPath);
  }
}

function createServer(operations: AdminOperations): FastifyInstance {
  const server = fastify({
    logger: false,
    bodyLimit: MAX_BODY_BYTES,
    forceCloseConnections: true,
    frameworkErrors: (error, _request, reply) => void sendProblem(reply, translateFastifyError(error)),
    clientErrorHandler: (error, socket) => endWithProblem(socket, connectionProblem(error)),
    // Node's own answer has no body.
    http: { requireHostHeader: false },
  });
  requireHost(server);
  refuseWhatNodeWould(server.server);
  server.setErrorHandler((error, _request, reply) => sendProblem(reply, translateFastifyError(error)));
  server.setNotFoundHandler((request, reply) =>
    sendProblem(reply, operatorError('not-found', `no such path: ${request.method} ${request.url}`)),
  );
  registerRoutes(server, operations);
  return server;
}

/** RFC 9112, section 3.2. */
function requireHost(server: FastifyInstance): void {
  server.addHook('onRequest', ({ headers, raw }, reply, done) => {
    if (headers.host !== undefined || raw.httpVersion !== '1.1') return done();
    sendProblem(reply, badRequest('a request of HTTP/1.1 needs a Host'));
  });
}

/** These never get to a route, and Node answers without a body, or not at all. */
function refuseWhatNodeWould(server: Server): void {
  server.on('checkExpectation', ({ headers }: IncomingMessage, response: ServerResponse) =>
    // RFC 9110, section 10.1.1.
    answerProblem(
      response,
      operatorError('expectation-failed', `nobody here can do as Expect says: ${headers.expect}`),
    ),
  );
  server.on('connect', (_request: IncomingMessage, socket: Duplex) => {
    // Node has let go of it: nobody else hears of its errors, or closes it.
    socket.on('error', () => undefined).once('finish', () => socket.destroy());
    endWithProblem(socket, operatorError('not-implemented', 'this is no proxy: there is no CONNECT here'));
  });
}

/** By a name of its own that leads to loopback a page in the operator's browser would be let read what is here (DNS rebinding). */
function refuseForeignNames(server: FastifyInstance): void {
  server.addHook('onRequest', (request, reply, done) => {
    const host = request.headers.host?.replace(/:\d*$/, '') ?? 'localhost';
    if (isIP(host.replace(/^\[|\]$/g, '')) > 0 || /^(.+\.)?localhost$/i.test(host)) return done();
    sendProblem(
      reply,
      operatorError('foreign-host', `nobody is called ${host} here; accepted in Host: an IP address, or localhost`),
    );
  });
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host.startsWith('127.');
}

/** RFC 9110, section 9.2.1. */
const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE']);

/** A page in the operator's browser can reach loopback too; without the token it may look, never change. */
function requireToken(server: FastifyInstance, token: () => string): void {
  server.addHook('onRequest', (request, reply, done) => {
    if (SAFE_METHODS.has(request.method) || carriesToken(request.headers.authorization, token())) return done();
    sendProblem(
      reply,
      operatorError(
        'unauthorized',
        'changes over TCP need the token printed at start: Authorization: Bearer <token>. The CLI uses the Unix socket instead.',
      ),
    );
  });
}

function carriesToken(header: string | undefined, token: string): boolean {
  const expected = Buffer.from(token);
  // RFC 9110, section 11.1: a scheme's case says nothing.
  const given = Buffer.from(/^bearer +(.+)$/i.exec(header ?? '')?.[1] ?? '');
  return given.length === expected.length && timingSafeEqual(given, expected);
}

async function listenOn(
  server: FastifyInstance,
  address: { path: string } | { host: string; port: number },
  label: string,
): Promise<void> {
  try {
    await server.listen(address);
  } catch (error) {
    const reason = errorCode(error) === 'EADDRINUSE' ? 'it is taken by another process' : errorMessage(error);
    throw operatorError(
      'admin-listen',
      `Cannot open the admin API on ${label}: ${reason}. Choose another with --admin-port.`,
      error,
    );
  }
}

async function closeServer(server: FastifyInstance): Promise<void> {
  server.server.closeAllConnections();
  await server.close();
}
