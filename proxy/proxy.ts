// The data plane put together: policies shared by the lanes, the front before them, and the TrafficPort for the pool.

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
import { createBalancer } from './balance/create-balancer.js';
import { defaultBreakerOptions } from './breaker.js';
import { Dispatcher } from './dispatcher.js';
import { Front } from './front.js';
import { RequestIds } from './headers/request-id.js';
import { TrustedProxies } from './headers/trusted-proxies.js';
import { ClientConnections } from './lanes/client-connections.js';
import type { ProxyOptions } from './options.js';
import type { ProxyObserver } from './request-record.js';
import { RetryBudget } from './retry-budget.js';
import { UpstreamSet } from './upstream-set.js';

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
}

const DRAIN_CHECK_MS = 20;
const SHUTTING_DOWN = 'the proxy is stopping';
/** How long clients may take to read our last words before their connections are cut. */
const LAST_WORDS_MS = 250;
const RETRY_ALLOWANCE = 3;
const RETRY_RESERVE = 100;

export class Proxy implements TrafficPort {
  readonly #options: ProxyOptions;
  readonly #clock: Clock;
  readonly #upstreams: UpstreamSet;
  readonly #dispatcher: Dispatcher;
  readonly #connections: ClientConnections;
  readonly #front: Front;

  constructor(options: ProxyOptions, dependencies: ProxyDependencies) {
    const { clock, random, log, observer, onIncident } = dependencies;
    this.#options = options;
    this.#clock = clock;
    this.#upstreams = new UpstreamSet(
      {
        breaker: defaultBreakerOptions,
        maxInflight: options.maxInflightPerWorker ?? Infinity,
        slowStartMs: options.slowStartMs,
        gradient: options.adaptiveLimit,
      },
      {
        clock,
        random,
        onIncident,
        onRoom: () => this.#dispatcher.serveWaiting(),
        onGone: (upstream) => this.#connections.release(upstream),
      },
    );
    this.#dispatcher = new Dispatcher({
      clock,
      upstreams: this.#upstreams,
      balancer: createBalancer(options.balance.policy, random),
      waitingRoom: options.waitingRoom,
    });
    this.#connections = new ClientConnections({
      options,
      clock,
      log,
      observer,
      dispatcher: this.#dispatcher,
      upstreams: this.#upstreams,
      retryBudget: new RetryBudget({
        share: options.retry.budgetShare,
        allowance: RETRY_ALLOWANCE,
        reserve: RETRY_RESERVE,
      }),
      requestIds: new RequestIds(random),
      trustedProxies: new TrustedProxies(options.trustedProxies),
      safeRoutes: options.retry.safeRoutes,
      draining: false,
      pseudonym: `understudy-${Math.floor(random() * 0xffffff).toString(16)}`,
    });
    this.#front = new Front((socket) => this.#connections.accept(socket));
  }

  /** @throws UnderstudyError `front-listen`. */
  listen(): Promise<{ readonly port: number }> {
    return this.#front.listen(this.#options.front);
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

  /** Stops accepting, lets what is in flight finish, then ends the rest with an explicit error. Never rejects. */
  async close({ graceMs, streamGraceMs = graceMs, hurry }: CloseOptions): Promise<void> {
    this.#front.stopAccepting();
    this.#connections.drain();
    const begunAt = this.#clock.now();
    const busy = () => this.#connections.inflight > 0;
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

export function createProxy(options: ProxyOptions, dependencies: ProxyDependencies): Proxy {
  return new Proxy(options, dependencies);
}
