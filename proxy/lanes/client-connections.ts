// All client connections: what they share, which lane serves which message, and how they end together.

import type { Socket } from 'node:net';
import { Arrivals } from '../arrivals.js';
import { DeadlineWheel } from '../deadline-wheel.js';
import { Entrance } from '../entrance.js';
import { createGate, type Gate, type JudgedRequest } from '../gate.js';
import { ResponseTexts } from '../headers/response-text.js';
import { UNIX_PEER, type TrustedProxies } from '../headers/trusted-proxies.js';
import { httpDate } from '../http-date.js';
import { fieldOf } from '../http1/field-of.js';
import { RequestHeadParser, type HeadFault } from '../http1/request-head.js';
import { ResponseHeadParser } from '../http1/response-head.js';
import type { ProxyOptions } from '../options.js';
import { problemKind } from '../problem.js';
import { RequestAccount, unreadableFrom } from '../request-account.js';
import { Specimen } from '../specimen.js';
import { takeOut } from '../take-out.js';
import type { Upstream } from '../upstream.js';
import { ClientConnection } from './client-connection.js';
import type { ConnectionContext, RefusedClient } from './connection-context.js';
import { FastExchange } from './fast/fast-exchange.js';
import type { FastLaneContext } from './fast/fast-lane-context.js';
import type { FastPlan } from './fast/fast-plan.js';
import { makePlan } from './fast/make-plan.js';
import { UpstreamConnections } from './fast/upstream-connections.js';
import { FullLane } from './full-lane.js';
import { canBeGuest, guestHead } from './guest-head.js';
import { GuestSocket } from './guest-socket.js';
import { KnownHeads } from './known-head.js';
import { subjectOf } from './request-subject.js';
import type { LaneContext } from './lane-context.js';
import type { MessageServer } from './message-server.js';
import { optionsText } from './options-text.js';
import { shareBlock, type Accepted } from './shared-block-socket.js';
import { mayGetComments } from './waiting-comments.js';

export class ClientConnections implements ConnectionContext {
  readonly wheel: DeadlineWheel;
  readonly knownHeads = new KnownHeads();
  readonly pseudonym: string;
  parser: RequestHeadParser;
  gate: Gate;
  limits: ProxyOptions['limits'];
  deadlines: ProxyOptions['deadlines'];
  idleMs: number;
  trustedProxies: TrustedProxies;
  readonly #context: LaneContext;
  readonly #arrivals: Arrivals<Accepted>;
  readonly #unixArrivals: Arrivals<Socket>;
  readonly #entrance: Entrance;
  readonly #upstreams: UpstreamConnections;
  #fast: FastLaneContext;
  readonly #fullLane: FullLane;
  readonly #guests = new WeakMap<ClientConnection, GuestSocket>();
  readonly #all: ClientConnection[] = [];
  /** And with it a connection, an answer and an account. */
  readonly #specimen = new Specimen<FastExchange>();
  #inflight = 0;
  #ending = false;

  constructor(context: LaneContext) {
    const { options, clock, trustedProxies, pseudonym } = context;
    this.#context = context;
    this.limits = options.limits;
    this.deadlines = options.deadlines;
    this.idleMs = options.deadlines.clientIdleMs;
    this.trustedProxies = trustedProxies;
    this.pseudonym = pseudonym;
    this.wheel = new DeadlineWheel(clock);
    this.#entrance = new Entrance(context, {
      wheel: this.wheel,
      onEntered: (stream, address) => this.#add(new ClientConnection(stream, this, undefined, address)),
      onRefused: (fault, client) => this.noteRefused(fault, client),
    });
    this.#arrivals = new Arrivals(clock, (accepted) => this.#admit(accepted));
    this.#unixArrivals = new Arrivals(clock, (accepted) => this.#admit(accepted, UNIX_PEER));
    this.parser = new RequestHeadParser(options.limits);
    this.gate = createGate(options, pseudonym);
    this.#upstreams = new UpstreamConnections(options.deadlines.upstreamIdleMs, this.wheel);
    this.#fast = this.#createFastContext();
    this.#fullLane = new FullLane(context);
  }

  /** Whoever was not told that its connection ends after the answer may still send a request: it is answered. */
  get draining(): boolean {
    return this.#ending;
  }

  /** Messages that are not answered yet, tunnels included. */
  get inflight(): number {
    return this.#inflight;
  }

  /** Connections that are not closed yet, idle ones included. */
  get open(): number {
    return this.#all.length + this.#entrance.count;
  }

  /** Some client has not taken all of an answer that is over for its upstream. */
  get unsent(): boolean {
    return this.#all.some((connection) => !connection.output.done);
  }

  accept(accepted: Accepted): void {
    this.#arrivals.add(accepted);
  }

  /** A connection with more to it than plain HTTP/1.1. @param socket paused, and not read from. */
  letIn(socket: Socket): void {
    this.#entrance.enter(socket);
  }

  /** By the Unix socket: nothing has to be encrypted there. */
  acceptUnix(socket: Socket): void {
    if (this.#context.options.front.proxyProtocol === true) this.#entrance.enter(socket, UNIX_PEER);
    else this.#unixArrivals.add(socket);
  }

  /** The context's policies are others than before: they are for the next message on every connection. */
  onPoliciesChanged(): void {
    const { options, trustedProxies } = this.#context;
    this.limits = options.limits;
    this.deadlines = options.deadlines;
    this.idleMs = options.deadlines.clientIdleMs;
    this.trustedProxies = trustedProxies;
    this.parser = new RequestHeadParser(options.limits);
    this.gate = createGate(options, this.pseudonym);
    this.#upstreams.idleMs = options.deadlines.upstreamIdleMs;
    this.#fast = this.#createFastContext();
    this.#fullLane.onOptionsChanged();
    this.#entrance.onPoliciesChanged();
    this.knownHeads.forget();
    for (const connection of this.#all) connection.onPoliciesChanged();
  }

  /** Every answer from here on says that it is the last one on its connection; whoever was idle for `idleMs` is not waited for. */
  leave(idleMs: number): void {
    this.#announceEnd();
    this.idleMs = Math.min(this.idleMs, idleMs);
    for (const connection of this.#all) connection.onIdleShortened();
    this.#entrance.leave(idleMs);
  }

  /** No further message on any connection: idle ones end now, the others after their answer. */
  drain(): void {
    this.#announceEnd();
    this.#ending = true;
    this.#entrance.drain();
    for (const connection of [...this.#all]) connection.drain();
  }

  /** Ends every connection now. */
  destroy(): void {
    this.#admitAll();
    this.#entrance.destroy();
    // A clean end would make a whole answer of what a client has not taken.
    for (const connection of [...this.#all]) connection.cut({ reset: !connection.output.done });
    this.#upstreams.destroy();
    this.#fullLane.destroy();
    this.wheel.stop();
  }

  /** The upstream is gone and idle. */
  release(upstream: Upstream): void {
    this.#upstreams.release(upstream);
    this.#fullLane.release(upstream);
  }

  serve(connection: ClientConnection, request: JudgedRequest): MessageServer | undefined {
    // RFC 9110 section 7.6.2: it goes no further.
    if (request.maxForwards === 0) {
      // Nobody reads a body here, so nothing can come behind it.
      const close = request.close || !connection.bodyDone || this.#context.draining;
      connection.output.writeText(optionsText(close));
      return void connection.answered(close);
    }
    const full = this.#context.options.lane === 'full' || this.#getsComments(request);
    // An upgrade is octets both ways in the end: the fast lane has them.
    if (full && request.upgrade === undefined && canBeGuest(request)) return this.#serveFull(connection, request);
    const plan = makePlan({ connection, request, parser: this.parser, context: this.#context });
    connection.remember(plan);
    return this.serveAgain(connection, plan);
  }

  serveAgain(connection: ClientConnection, plan: FastPlan): MessageServer {
    const exchange = (connection.exchange ??= new FastExchange(connection, this.#context));
    exchange.begin(this.#fast, plan);
    this.#specimen.last = exchange;
    return exchange;
  }

  noteMessage(): void {
    this.#inflight += 1;
  }

  noteAnswered(): void {
    this.#inflight -= 1;
  }

  noteRefused(fault: HeadFault, client: RefusedClient, head?: RequestHeadParser): void {
    const { observer } = this.#context;
    const account = new RequestAccount(this.#context);
    const subject =
      head === undefined
        ? unreadableFrom(client.clientAddress, client.receivedVersion)
        : subjectOf(head, { connection: client, observer });
    account.begin(undefined, subject);
    account.record({ endedBy: 'proxy', status: problemKind(fault.code).status, code: fault.code });
  }

  onClosed(connection: ClientConnection): void {
    const moved = takeOut(this.#all, connection.place);
    if (moved !== undefined) moved.place = connection.place;
    // Between two messages it hears of nothing, and node:http would keep it.
    this.#guests.get(connection)?.destroy();
  }

  /** Whoever was accepted is among those to be answered. */
  #announceEnd(): void {
    this.#admitAll();
    this.#context.draining = true;
  }

  #admitAll(): void {
    this.#arrivals.admitAll();
    this.#unixArrivals.admitAll();
  }

  #admit(accepted: Accepted, clientAddress?: string): void {
    const { socket, source } = shareBlock(accepted);
    this.#add(new ClientConnection(socket, this, source, clientAddress));
  }

  #add(connection: ClientConnection): void {
    connection.place = this.#all.push(connection) - 1;
  }

  /** Costs nothing where they are off. */
  #getsComments(request: JudgedRequest): boolean {
    if (this.#context.options.waitingRoom.keepAliveCommentsMs === undefined) return false;
    return mayGetComments({ ...request, accept: fieldOf(this.parser, 'accept') });
  }

  /** The same guest for all messages of a connection, so that node:http can keep it alive. */
  #serveFull(connection: ClientConnection, request: JudgedRequest): MessageServer {
    let guest = this.#guests.get(connection);
    if (guest === undefined) {
      guest = new GuestSocket(connection, {
        onEntering: (entering) => this.#fullLane.enter(entering),
        onRefused: (fault, head) => this.#noteRefusedGuest(fault, connection, head),
      });
      this.#guests.set(connection, guest);
    }
    return guest.begin(guestHead(this.parser, request));
  }

  /** Its head was put anew for node:http, and is read again for this alone. */
  #noteRefusedGuest(fault: HeadFault, connection: ClientConnection, head: Buffer): void {
    const readable = this.parser.parse(head, 0) === 'complete';
    this.noteRefused(fault, connection, readable ? this.parser : undefined);
  }

  #createFastContext(): FastLaneContext {
    return {
      connections: this.#upstreams,
      parser: new ResponseHeadParser(this.limits),
      texts: new ResponseTexts(),
      date: () => httpDate(this.#context.clock),
      noteAnnouncedDrain: (upstream) => this.#context.upstreams.noteAnnouncedDrain(upstream),
    };
  }
}
