// The upstreams: those of the present snapshot, and those that left it but still have requests in flight. Applied by
// difference, so that an unchanged one keeps its breaker, its counters and its sockets.

import type { Clock } from '../src/core/clock.js';
import type { Random } from '../src/core/random.js';
import type { IncidentListener, UpstreamIdentity, UpstreamTarget, UpstreamTraffic } from '../src/core/traffic-port.js';
import { UpstreamBreaker, type BreakerOptions, type BreakerState } from './breaker.js';
import { Upstream } from './upstream.js';

export interface UpstreamSetOptions {
  readonly breaker: BreakerOptions;
  readonly maxInflight: number;
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
  readonly #options: UpstreamSetOptions;
  readonly #dependencies: UpstreamSetDependencies;
  readonly #leaving = new Set<Upstream>();
  readonly #idleWaiters = new Map<Upstream, Set<() => void>>();
  #eligible: Upstream[] = [];

  constructor(options: UpstreamSetOptions, dependencies: UpstreamSetDependencies) {
    this.#options = options;
    this.#dependencies = dependencies;
  }

  /** Those of the snapshot, in its order. */
  get eligible(): readonly Upstream[] {
    return this.#eligible;
  }

  apply(targets: readonly UpstreamTarget[]): void {
    const before = this.#eligible;
    this.#eligible = targets.map((target) => this.#keepOrCreate(target));
    for (const upstream of before) if (!this.#eligible.includes(upstream)) this.#retire(upstream);
    this.#dependencies.onRoom();
  }

  /** Call when a ticket came back: it may have been the last one of an upstream that is leaving. */
  noteReturn(upstream: Upstream): void {
    if (upstream.inflight > 0) return;
    for (const resolve of this.#idleWaiters.get(upstream) ?? []) resolve();
    this.#idleWaiters.delete(upstream);
    if (this.#leaving.delete(upstream)) this.#dispose(upstream);
  }

  /** Nothing listens there: it is out at once, and the pool hears of it in this turn. */
  noteRefused(upstream: Upstream): void {
    if (upstream.breaker.state === 'open') return;
    const { id, generation } = upstream.target;
    upstream.breaker.trip();
    if (upstream.eligible) this.#dependencies.onIncident({ id, generation, kind: 'refused' });
  }

  find({ id, generation }: UpstreamIdentity): Upstream | undefined {
    const matches = ({ target }: Upstream) => target.id === id && target.generation === generation;
    return this.#eligible.find(matches) ?? [...this.#leaving].find(matches);
  }

  trafficOf(identity: UpstreamIdentity): UpstreamTraffic | undefined {
    return this.find(identity)?.traffic();
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

  abortInflight(identity: UpstreamIdentity, reason: string): number {
    const tickets = [...(this.find(identity)?.tickets ?? [])];
    for (const ticket of tickets) ticket.holder.abort(reason);
    return tickets.length;
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
    const breaker: UpstreamBreaker = new UpstreamBreaker(this.#options.breaker, {
      random,
      mayOpen: () => this.#eligible.some((other) => other !== upstream && other.breaker.state === 'closed'),
      onChange: (state) => this.#onBreaker(upstream, state),
    });
    const upstream: Upstream = new Upstream(target, { clock, breaker, maxInflight: this.#options.maxInflight });
    return upstream;
  }

  #onBreaker(upstream: Upstream, state: BreakerState): void {
    const { id, generation } = upstream.target;
    if (state === 'open' && upstream.eligible) this.#dependencies.onIncident({ id, generation, kind: 'breaker-open' });
    if (state === 'closed' && upstream.eligible)
      this.#dependencies.onIncident({ id, generation, kind: 'breaker-closed' });
    if (state !== 'open') this.#dependencies.onRoom();
  }

  #retire(upstream: Upstream): void {
    upstream.eligible = false;
    if (upstream.inflight === 0) this.#dispose(upstream);
    else this.#leaving.add(upstream);
  }

  #dispose(upstream: Upstream): void {
    upstream.breaker.dispose();
    this.#dependencies.onGone(upstream);
  }
}
