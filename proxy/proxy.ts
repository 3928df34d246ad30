// The data plane put together: policies shared by the lanes, the front before them, and the TrafficPort for the pool.

import type { Server } from 'node:net';
import type { Clock, Timer } from '../src/core/clock.js';
import type { Logger } from '../src/core/log.js';
import type { Random } from '../src/core/random.js';
import type {
  AbortOptions,
  IncidentListener,
  TrafficPort,
  UpstreamIdentity,
  UpstreamTarget,
  UpstreamTraffic,
} from '../src/core/traffic-port.js';
import { defaultBreakerOptions } from './breaker.js';
import { Dispatcher } from './dispatcher.js';
import { needsEntrance } from './entrance.js';
import { Front } from './front.js';
import { RequestIds } from './headers/request-id.js';
import { ClientConnections } from './lanes/client-connections.js';
import type { LaneContext } from './lanes/lane-context.js';
import type { ProxyOptions } from './options.js';
import { createPolicies, type Policies } from './policies.js';
import type { ProxyObserver } from './request-record.js';
import { UnixFront } from './unix-front.js';
import { UpstreamSet, type UpstreamSetOptions } from './upstream-set.js';

export interface ProxyDependencies {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly observer: ProxyObserver;
  readonly onIncident: IncidentListener;
}

export interface ProxyStats {
  /** Requests that are not over, those waiting included. */
  readonly inflight: number;
  readonly waiting: number;
  readonly waitedTotal: number;
  /** Upstreams that could take a request now. */
  readonly available: number;
}

export interface CloseOptions {
  /** How long requests in flight may take to finish. */
  readonly graceMs: number;
  /** The same for event streams and tunnels. Default: `graceMs`. */
  readonly streamGraceMs?: number;
  /** Cuts the waiting. */
  readonly hurry?: AbortSignal;
  /** No upstream is to come any more: whoever waits for one is told so at once. */
  readonly refuseWaiting?: boolean;
}

const DRAIN_CHECK_MS = 20;
const SHUTTING_DOWN = 'the proxy is stopping';
/** How long clients may take to read our last words before their connections are cut. */
const LAST_WORDS_MS = 250;
/** How long a connection without a request is left open for one, when others serve already. */
const LEAVE_IDLE_MS = 3_000;

export class Proxy implements TrafficPort {
  readonly #clock: Clock;
  readonly #upstreams: UpstreamSet;
  readonly #dispatcher: Dispatcher;
  readonly #lanes: { -readonly [Key in keyof LaneContext]: LaneContext[Key] };
  readonly #connections: ClientConnections;
  readonly #front: Front;
  readonly #unixFront: UnixFront | undefined;
  readonly #random: Random;
  #policies: Policies;

  constructor(options: ProxyOptions, dependencies: ProxyDependencies) {
    const { clock, random, log, observer, onIncident } = dependencies;
    this.#policies = createPolicies(options, random);
    this.#clock = clock;
    this.#random = random;
    this.#upstreams = new UpstreamSet(upstreamSetOptions(options), {
      clock,
      random,
      onIncident,
      onRoom: () => this.#dispatcher.serveWaiting(),
      onGone: (upstream) => this.#connections.release(upstream),
    });
    this.#dispatcher = new Dispatcher({
      clock,
      upstreams: this.#upstreams,
      balancer: this.#policies.balancer,
      waitingRoom: options.waitingRoom,
    });
    this.#lanes = {
      ...this.#policies,
      clock,
      log,
      observer,
      dispatcher: this.#dispatcher,
      upstreams: this.#upstreams,
      requestIds: new RequestIds(random),
      draining: false,
      pseudonym: `understudy-${Math.floor(random() * 0xffffff).toString(16)}`,
    };
    this.#connections = new ClientConnections(this.#lanes);
    // Whoever could not be accepted is no reason to end all others.
    const onTrouble = (error: Error) => log.warn({ reason: error.message }, 'a connection could not be accepted');
    this.#front = needsEntrance(options.front)
      ? new Front((socket) => this.#connections.letIn(socket), onTrouble)
      : Front.ofHandles((accepted) => this.#connections.accept(accepted), onTrouble);
    const { socket: place } = options.front;
    this.#unixFront = place && new UnixFront(place, (socket) => this.#connections.acceptUnix(socket), onTrouble);
  }

  /** @param fd a socket that listens already. @throws UnderstudyError `front-listen`. */
  listen(fd?: number): Promise<{ readonly port: number }> {
    return this.#front.listen(fd === undefined ? this.#policies.options.front : { fd });
  }

  /** On the Unix socket too, where there is one. @param fd the same socket, which listens already. @throws UnderstudyError `front-listen`. */
  async listenUnix(fd?: number): Promise<void> {
    if (fd === undefined) await this.#unixFront?.listen();
    else await this.#unixFront?.listenOn(fd);
  }

  /** The Unix socket that listens, for another process to go on with. */
  get unixFd(): number | undefined {
    return this.#unixFront?.fd;
  }

  /** Serves on the front that another process has handed over. */
  listenOn(inherited: Server): { readonly port: number } {
    return this.#front.listenOn(inherited);
  }

  /** The listening front, to be handed over. */
  get frontServer(): Server {
    return this.#front.server;
  }

  /** From the next request on; those under way keep what they began with. Of `front` only the certificate changes. */
  applyOptions(options: ProxyOptions): void {
    this.#policies = createPolicies(options, this.#random, this.#policies);
    Object.assign(this.#lanes, this.#policies);
    this.#connections.onPoliciesChanged();
    this.#upstreams.applyOptions(upstreamSetOptions(options));
    this.#dispatcher.applyPolicies({ balancer: this.#policies.balancer, waitingRoom: options.waitingRoom });
  }

  applyTargets(targets: readonly UpstreamTarget[]): void {
    this.#upstreams.apply(targets);
  }

  waitIdle(upstream: UpstreamIdentity, signal?: AbortSignal): Promise<void> {
    return this.#upstreams.waitIdle(upstream, signal);
  }

  abortInflight(upstream: UpstreamIdentity, options: AbortOptions): number {
    return this.#upstreams.abortInflight(upstream, options);
  }

  shedBatch(on: boolean): void {
    this.#dispatcher.shedsBatch = on;
  }

  trafficOf(upstream: UpstreamIdentity): UpstreamTraffic | undefined {
    return this.#upstreams.trafficOf(upstream);
  }

  stats(): ProxyStats {
    return {
      inflight: this.#connections.inflight,
      waiting: this.#dispatcher.waiting,
      waitedTotal: this.#dispatcher.waitedTotal,
      available: this.#upstreams.eligible.filter((upstream) => upstream.available).length,
    };
  }

  /**
   * Stops accepting, lets what is in flight finish, and slow clients take what is whole already, then ends the rest with an
   * explicit error. Never rejects.
   */
  async close({ graceMs, streamGraceMs = graceMs, hurry, refuseWaiting = false }: CloseOptions): Promise<void> {
    this.#front.stopAccepting();
    this.#unixFront?.close();
    this.#connections.drain();
    if (refuseWaiting) this.#dispatcher.close();
    const begunAt = this.#clock.now();
    const busy = () =>
      this.#connections.inflight > 0 || (this.#connections.unsent && this.#clock.now() < begunAt + graceMs);
    const whileBusy = (deadlineMs: number) => this.#waitWhile(busy, { until: begunAt + deadlineMs, hurry });
    await whileBusy(Math.min(graceMs, streamGraceMs));
    if (graceMs > streamGraceMs) this.#upstreams.abortAll({ reason: SHUTTING_DOWN, kind: 'streams' });
    else this.#endRequests();
    await whileBusy(Math.max(graceMs, streamGraceMs));
    await this.#endAll();
    this.#upstreams.dispose();
  }

  /** From here on nothing is taken in again, not even to be repeated. */
  #endRequests(): void {
    this.#dispatcher.close();
    this.#upstreams.abortAll({ reason: SHUTTING_DOWN, kind: 'requests' });
  }

  async #endAll(): Promise<void> {
    const spoken = this.#connections.inflight > 0;
    this.#dispatcher.close();
    this.#upstreams.abortAll({ reason: SHUTTING_DOWN });
    const until = this.#clock.now() + LAST_WORDS_MS;
    if (spoken) await this.#waitWhile(() => this.#connections.open > 0, { until });
    this.#connections.destroy();
  }

  /**
   * Another process has the front now: no connection is ended under a request that is on its way. Each ends after its
   * next answer, which says so; those that stay idle are closed after a while, also those whose answer had begun before
   * and could not say so. Never rejects.
   */
  async leave({ graceMs, streamGraceMs = graceMs, hurry }: CloseOptions): Promise<void> {
    this.#front.stopAccepting();
    this.#unixFront?.leave();
    this.#connections.leave(LEAVE_IDLE_MS);
    const begunAt = this.#clock.now();
    const until = begunAt + Math.min(graceMs, streamGraceMs);
    await this.#waitWhile(() => this.#connections.open > 0, { until, hurry });
    const elapsedMs = this.#clock.now() - begunAt;
    await this.close({
      graceMs: Math.max(0, graceMs - elapsedMs),
      streamGraceMs: Math.max(0, streamGraceMs - elapsedMs),
      hurry,
    });
  }

  #waitWhile(
    condition: () => boolean,
    { until, hurry }: { readonly until: number; readonly hurry?: AbortSignal | undefined },
  ): Promise<void> {
    return new Promise((resolve) => {
      let timer: Timer | undefined;
      const check = () => {
        timer?.cancel();
        if (!condition() || this.#clock.now() >= until || hurry?.aborted === true) return resolve();
        timer = this.#clock.startTimer(DRAIN_CHECK_MS, check);
      };
      hurry?.addEventListener('abort', check, { once: true });
      check();
    });
  }
}

function upstreamSetOptions(options: ProxyOptions): UpstreamSetOptions {
  return {
    breaker: defaultBreakerOptions,
    maxInflight: options.maxInflightPerWorker ?? Infinity,
    slowStartMs: options.slowStartMs,
    gradient: options.adaptiveLimit,
  };
}

export function createProxy(options: ProxyOptions, dependencies: ProxyDependencies): Proxy {
  return new Proxy(options, dependencies);
}
