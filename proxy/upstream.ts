// A worker as traffic sees it: address, tickets that are out, breaker, limits, counters. The set owns which ones take
// part. What the dispatcher asks for each request is plain fields and counts.

import type { UpstreamCounts, UpstreamTarget, UpstreamTraffic } from '../src/core/traffic-port.js';
import type { UpstreamBreaker } from './breaker.js';
import type { GradientLimit } from './gradient-limit.js';
import type { Ticket } from './ticket.js';

export interface UpstreamDependencies {
  readonly breaker: UpstreamBreaker;
  /** Requests at once; Infinity for no limit. */
  readonly maxInflight: number;
  /** Finds the limit by itself, below the fixed one. */
  readonly gradient?: GradientLimit;
  /** When it began to take traffic as a fresh process; undefined for a warm one. */
  readonly rampFrom?: number;
}

export class Upstream {
  readonly breaker: UpstreamBreaker;
  readonly rampFrom: number | undefined;
  #maxInflight: number;
  #gradient: GradientLimit | undefined;
  #target: UpstreamTarget;
  #limit: number;
  #inflight = 0;
  #oldest: Ticket | undefined;
  #newest: Ticket | undefined;
  /** Part of the snapshot; false once it has left it. */
  eligible = true;
  /** Its app has said that it wants no more traffic. */
  announcedDrain = false;
  requests = 0;
  failures = 0;
  bytesMoved = 0;
  /** Peak-sensitive moving average of what requests take, for the latency-aware policy. */
  latencyMs = 0;
  latencyAt = 0;

  constructor(target: UpstreamTarget, { breaker, maxInflight, gradient, rampFrom }: UpstreamDependencies) {
    this.#target = target;
    this.#maxInflight = maxInflight;
    this.breaker = breaker;
    this.#gradient = gradient;
    this.rampFrom = rampFrom;
    this.#limit = this.#lowestLimit();
  }

  get target(): UpstreamTarget {
    return this.#target;
  }

  get id(): string {
    return this.#target.id;
  }

  get gradient(): GradientLimit | undefined {
    return this.#gradient;
  }

  get inflight(): number {
    return this.#inflight;
  }

  get full(): boolean {
    return this.#inflight >= this.#limit;
  }

  get available(): boolean {
    return this.eligible && this.#inflight < this.#limit && this.breaker.admits;
  }

  /** Tickets that are out, oldest first. */
  tickets(): Ticket[] {
    const tickets: Ticket[] = [];
    for (let ticket = this.#oldest; ticket !== undefined; ticket = ticket.newer) tickets.push(ticket);
    return tickets;
  }

  /** Same process, which has rested: it counts on from there. */
  countOn({ requests, failures, bytesMoved }: UpstreamCounts): void {
    this.requests = requests;
    this.failures = failures;
    this.bytesMoved = bytesMoved;
  }

  /** Same process; what the pool says of it may have changed. */
  update(target: UpstreamTarget): void {
    this.#target = target;
    this.updateLimit();
  }

  /** Other limits from its next request on. */
  applyLimits({ maxInflight, gradient }: Pick<UpstreamDependencies, 'maxInflight' | 'gradient'>): void {
    this.#maxInflight = maxInflight;
    this.#gradient = gradient;
    this.updateLimit();
  }

  /** Call when something that limits it has moved. */
  updateLimit(): void {
    this.#limit = this.#lowestLimit();
  }

  hold(ticket: Ticket): void {
    this.requests += 1;
    this.#inflight += 1;
    ticket.older = this.#newest;
    if (this.#newest === undefined) this.#oldest = ticket;
    else this.#newest.newer = ticket;
    this.#newest = ticket;
  }

  release(ticket: Ticket): void {
    const { older, newer } = ticket;
    this.#inflight -= 1;
    if (older === undefined) this.#oldest = newer;
    else older.newer = newer;
    if (newer === undefined) this.#newest = older;
    else newer.older = older;
    // A holder that keeps its ticket must not keep all later ones alive with it.
    ticket.older = undefined;
    ticket.newer = undefined;
  }

  traffic(now: number): UpstreamTraffic {
    return {
      inflight: this.#inflight,
      requests: this.requests,
      failures: this.failures,
      breaker: this.breaker.judgement,
      bytesMoved: this.bytesMoved,
      oldestInflightMs: this.#oldest === undefined ? 0 : now - this.#oldest.admittedAt,
      oldestWaitingMs: Math.max(0, now - this.#waitingSince()),
    };
  }

  #waitingSince(): number {
    let since = Infinity;
    for (let ticket = this.#oldest; ticket !== undefined; ticket = ticket.newer)
      since = Math.min(since, ticket.waitingSince);
    return since;
  }

  /** Never below one: a worker that may take nothing at all leaves the list instead. */
  #lowestLimit(): number {
    const announced = this.#target.maxInflight ?? Infinity;
    return Math.max(1, Math.min(this.#maxInflight, announced, this.#gradient?.limit ?? Infinity));
  }
}
