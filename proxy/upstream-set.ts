// The upstreams: those of the present snapshot, and those that left it but still have requests in flight. Applied by
// difference, so that an unchanged one keeps its breaker, its counters and its sockets.

import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '../src/core/clock.js';
import type { Random } from '../src/core/random.js';
import type {
  AbortOptions,
  IncidentListener,
  UpstreamCounts,
  UpstreamIdentity,
  UpstreamIncident,
  UpstreamTarget,
  UpstreamTraffic,
} from '../src/core/traffic-port.js';
import { UpstreamBreaker, type BreakerOptions, type BreakerState } from './breaker.js';
import { GradientLimit, type GradientOptions } from './gradient-limit.js';
import { Upstream } from './upstream.js';

export interface UpstreamSetOptions {
  readonly breaker: BreakerOptions;
  readonly maxInflight: number;
  /** How long a fresh process is spared; 0 for not at all. */
  readonly slowStartMs: number;
  /** Limits that find themselves; none by default. */
  readonly gradient?: GradientOptions;
}

export interface UpstreamSetDependencies {
  readonly clock: Clock;
  readonly random: Random;
  readonly onIncident: IncidentListener;
  /** Somebody may take a request who could not before. */
  readonly onRoom: () => void;
  /** Gone from the snapshot and idle: its sockets can go. */
  readonly onGone: (upstream: Upstream) => void;
}

export class UpstreamSet {
  #options: UpstreamSetOptions;
  readonly #dependencies: UpstreamSetDependencies;
  readonly #leaving = new Set<Upstream>();
  readonly #idleWaiters = new Map<Upstream, Set<() => void>>();
  /** Of the process that each id stood for last, when it left. */
  readonly #counts = new Map<string, { readonly generation: number; readonly counts: UpstreamCounts }>();
  #eligible: Upstream[] = [];
  #rampingUntil = 0;

  constructor(options: UpstreamSetOptions, dependencies: UpstreamSetDependencies) {
    this.#options = options;
    this.#dependencies = dependencies;
  }

  /** Those of the snapshot, in its order. */
  get eligible(): readonly Upstream[] {
    return this.#eligible;
  }

  get slowStartMs(): number {
    return this.#options.slowStartMs;
  }

  /** When the last slow start ends. */
  get rampingUntil(): number {
    return this.#rampingUntil;
  }

  apply(targets: readonly UpstreamTarget[]): void {
    const before = this.#eligible;
    this.#eligible = targets.map((target) => this.#keepOrCreate(target));
    for (const upstream of before) if (!this.#eligible.includes(upstream)) this.#retire(upstream);
    this.#dependencies.onRoom();
  }

  /** Other limits for everybody; what a gradient has learnt is kept unless it was given other bounds. */
  applyOptions(options: UpstreamSetOptions): void {
    const sameGradient = isDeepStrictEqual(this.#options.gradient, options.gradient);
    this.#options = options;
    const { maxInflight } = options;
    for (const upstream of [...this.#eligible, ...this.#leaving]) {
      upstream.applyLimits({ maxInflight, gradient: sameGradient ? upstream.gradient : this.#createGradient() });
    }
  }

  /** Call when a ticket came back: it may have been the last one of an upstream that is leaving. */
  noteReturn(upstream: Upstream): void {
    if (upstream.inflight > 0) return;
    if (this.#idleWaiters.size > 0) this.#tellIdle(upstream);
    if (!upstream.eligible && this.#leaving.delete(upstream)) this.#dispose(upstream);
  }

  /** Nothing listens there: it is out at once, and the pool hears of it in this turn. */
  noteRefused(upstream: Upstream): void {
    if (upstream.breaker.trip()) this.#report(upstream, 'refused');
  }

  /** Its app said `x-understudy-drain: 1` in an answer. Told once: the pool decides what becomes of it. */
  noteAnnouncedDrain(upstream: Upstream): void {
    if (upstream.announcedDrain) return;
    upstream.announcedDrain = true;
    this.#report(upstream, 'announced-drain');
  }

  find({ id, generation }: UpstreamIdentity): Upstream | undefined {
    const matches = ({ target }: Upstream) => target.id === id && target.generation === generation;
    return this.#eligible.find(matches) ?? [...this.#leaving].find(matches);
  }

  trafficOf(identity: UpstreamIdentity): UpstreamTraffic | undefined {
    const upstream = this.find(identity);
    if (upstream !== undefined) return upstream.traffic(this.#dependencies.clock.now());
    const counts = this.#countsOf(identity);
    return counts && { ...counts, inflight: 0, breaker: 'closed', oldestInflightMs: 0, oldestWaitingMs: 0 };
  }

  waitIdle(identity: UpstreamIdentity, signal?: AbortSignal): Promise<void> {
    const upstream = this.find(identity);
    if (upstream === undefined || upstream.inflight === 0) return Promise.resolve();
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) return reject(signal.reason as Error);
      const onAbort = () => {
        this.#idleWaiters.get(upstream)?.delete(onIdle);
        reject(signal?.reason as Error);
      };
      const onIdle = () => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      };
      const waiters = this.#idleWaiters.get(upstream) ?? new Set();
      this.#idleWaiters.set(upstream, waiters.add(onIdle));
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  }

  abortInflight(identity: UpstreamIdentity, options: AbortOptions): number {
    const upstream = this.find(identity);
    return upstream === undefined ? 0 : abortTickets(upstream, options);
  }

  /** On every upstream. */
  abortAll(options: AbortOptions): number {
    const counts = [...this.#eligible, ...this.#leaving].map((upstream) => abortTickets(upstream, options));
    return counts.reduce((sum, count) => sum + count, 0);
  }

  dispose(): void {
    for (const upstream of [...this.#eligible, ...this.#leaving]) upstream.breaker.dispose();
  }

  #keepOrCreate(target: UpstreamTarget): Upstream {
    const known = this.find(target);
    if (known === undefined) return this.#create(target);
    this.#leaving.delete(known);
    known.eligible = true;
    known.update(target);
    return known;
  }

  #create(target: UpstreamTarget): Upstream {
    const { clock, random } = this.#dependencies;
    const { maxInflight } = this.#options;
    const breaker: UpstreamBreaker = new UpstreamBreaker(this.#options.breaker, {
      random,
      mayOpen: () => this.#eligible.some((other) => other !== upstream && other.breaker.state === 'closed'),
      onChange: (state) => this.#onBreaker(upstream, state),
      onSpared: () => this.#report(upstream, 'breaker-open'),
    });
    const rampFrom = target.warm || this.slowStartMs === 0 ? undefined : clock.now();
    if (rampFrom !== undefined) this.#rampingUntil = rampFrom + this.slowStartMs;
    const upstream: Upstream = new Upstream(target, {
      breaker,
      maxInflight,
      rampFrom,
      gradient: this.#createGradient(),
    });
    const counts = this.#countsOf(target);
    if (counts !== undefined) upstream.countOn(counts);
    return upstream;
  }

  #countsOf({ id, generation }: UpstreamIdentity): UpstreamCounts | undefined {
    const left = this.#counts.get(id);
    return left?.generation === generation ? left.counts : undefined;
  }

  #createGradient(): GradientLimit | undefined {
    const { gradient } = this.#options;
    return gradient === undefined ? undefined : new GradientLimit(gradient);
  }

  #onBreaker(upstream: Upstream, state: BreakerState): void {
    if (state === 'open') return this.#report(upstream, 'breaker-open');
    if (state === 'closed') this.#report(upstream, 'breaker-closed');
    this.#dependencies.onRoom();
  }

  /** What left the snapshot is nobody's concern any more. */
  #report(upstream: Upstream, kind: UpstreamIncident['kind']): void {
    const { id, generation } = upstream.target;
    if (upstream.eligible) this.#dependencies.onIncident({ id, generation, kind });
  }

  #tellIdle(upstream: Upstream): void {
    for (const resolve of this.#idleWaiters.get(upstream) ?? []) resolve();
    this.#idleWaiters.delete(upstream);
  }

  #retire(upstream: Upstream): void {
    upstream.eligible = false;
    if (upstream.inflight === 0) this.#dispose(upstream);
    else this.#leaving.add(upstream);
  }

  #dispose(upstream: Upstream): void {
    const { target, requests, failures, bytesMoved } = upstream;
    this.#counts.set(target.id, { generation: target.generation, counts: { requests, failures, bytesMoved } });
    upstream.breaker.dispose();
    this.#dependencies.onGone(upstream);
  }
}

function abortTickets(upstream: Upstream, { reason, kind }: AbortOptions): number {
  const tickets = upstream
    .tickets()
    .filter(({ holder }) => kind === undefined || (kind === 'streams') === holder.stream);
  for (const { holder } of tickets) holder.abort(reason);
  return tickets.length;
}
