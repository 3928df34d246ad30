// A worker as traffic sees it: address, what is in flight, breaker, counters. The set owns which ones take part.

import type { Clock } from '../src/core/clock.js';
import type { UpstreamTarget, UpstreamTraffic } from '../src/core/traffic-port.js';
import type { UpstreamBreaker } from './breaker.js';
import type { Ticket } from './ticket.js';

export interface UpstreamDependencies {
  readonly clock: Clock;
  readonly breaker: UpstreamBreaker;
  /** Requests at once; Infinity for no limit. */
  readonly maxInflight: number;
}

export class Upstream {
  readonly breaker: UpstreamBreaker;
  /** Tickets that are out. */
  readonly tickets = new Set<Ticket>();
  readonly #clock: Clock;
  readonly #maxInflight: number;
  #target: UpstreamTarget;
  /** Position in the snapshot; false once it has left it. */
  eligible = true;
  requests = 0;
  failures = 0;
  bytesMoved = 0;
  /** Peak-sensitive moving average of the time to the first byte, for the latency-aware policy. */
  latencyMs = 0;
  latencyAt = 0;

  constructor(target: UpstreamTarget, dependencies: UpstreamDependencies) {
    this.#target = target;
    this.#clock = dependencies.clock;
    this.#maxInflight = dependencies.maxInflight;
    this.breaker = dependencies.breaker;
  }

  get target(): UpstreamTarget {
    return this.#target;
  }

  get id(): string {
    return this.#target.id;
  }

  get inflight(): number {
    return this.tickets.size;
  }

  get full(): boolean {
    return this.tickets.size >= this.#maxInflight;
  }

  get available(): boolean {
    return this.eligible && !this.full && this.breaker.admits;
  }

  /** Same process, new weight or warmth. */
  update(target: UpstreamTarget): void {
    this.#target = target;
  }

  traffic(): UpstreamTraffic {
    const [oldest] = this.tickets;
    return {
      inflight: this.inflight,
      requests: this.requests,
      failures: this.failures,
      breaker: this.breaker.state,
      bytesMoved: this.bytesMoved,
      oldestInflightMs: oldest === undefined ? 0 : this.#clock.now() - oldest.admittedAt,
    };
  }
}
