// Picks an upstream and admits the request in one synchronous step; who finds none waits in the waiting room and is
// served in the very turn in which somebody can take it. Lanes hand in a Waiter and get a ticket or a refusal.

import type { Clock } from '../src/core/clock.js';
import type { Outcome } from './breaker.js';
import type { Balancer } from './balance/balancer.js';
import { Ticket, type TicketHolder } from './ticket.js';
import type { Upstream } from './upstream.js';
import type { UpstreamSet } from './upstream-set.js';
import { WaitingRoom, type WaitingRoomOptions } from './waiting-room.js';

export type RefusalCode = 'queue-full' | 'queue-timeout' | 'shutting-down';

/** A request that wants an upstream. One object a request; no closures needed. */
export interface Waiter extends TicketHolder {
  /** What sticky balancing goes by. */
  readonly affinityKey: string;
  /** Those that failed this request already; they come last. */
  readonly tried: readonly Upstream[];
  onTicket(ticket: Ticket): void;
  onRefused(code: RefusalCode): void;
}

export interface DispatcherDependencies {
  readonly clock: Clock;
  readonly upstreams: UpstreamSet;
  readonly balancer: Balancer;
  readonly waitingRoom: WaitingRoomOptions;
}

export class Dispatcher {
  readonly #clock: Clock;
  readonly #upstreams: UpstreamSet;
  readonly #balancer: Balancer;
  readonly #room: WaitingRoom<Waiter>;
  readonly #onReturn = (ticket: Ticket, outcome: Outcome) => this.#takeBack(ticket, outcome);
  #closed = false;
  #waitedTotal = 0;

  constructor(dependencies: DispatcherDependencies) {
    const { clock, upstreams, balancer, waitingRoom } = dependencies;
    this.#clock = clock;
    this.#upstreams = upstreams;
    this.#balancer = balancer;
    this.#room = new WaitingRoom(waitingRoom, clock, (waiter) => waiter.onRefused('queue-timeout'));
  }

  /** Requests in the room now. */
  get waiting(): number {
    return this.#room.size;
  }

  /** Requests that ever had to wait. */
  get waitedTotal(): number {
    return this.#waitedTotal;
  }

  /** Calls back at once with a ticket or a refusal, or later from the waiting room. */
  admit(waiter: Waiter): void {
    // Nobody overtakes those who wait already.
    if (this.#room.size === 0 && this.#tryServe(waiter)) return;
    if (this.#closed) return waiter.onRefused('shutting-down');
    if (!this.#room.tryEnter(waiter)) return waiter.onRefused('queue-full');
    this.#waitedTotal += 1;
  }

  /** The request is gone: its place is free at once. Idempotent. */
  leave(waiter: Waiter): void {
    this.#room.leave(waiter);
  }

  /** Serves those who wait, as far as it goes. */
  serveWaiting(): void {
    this.#room.serve((waiter) => this.#tryServe(waiter));
  }

  /** Turns away whoever waits, and whoever would have to from now on. */
  close(): void {
    this.#closed = true;
    this.#room.clear((waiter) => waiter.onRefused('shutting-down'));
  }

  #tryServe(waiter: Waiter): boolean {
    const upstream = this.#pick(waiter);
    if (upstream === undefined) return false;
    this.#room.leave(waiter);
    waiter.onTicket(new Ticket(upstream, waiter, { now: this.#clock.now(), onReturn: this.#onReturn }));
    return true;
  }

  #pick(waiter: Waiter): Upstream | undefined {
    const { eligible } = this.#upstreams;
    let candidates = eligible.filter((upstream) => upstream.available);
    if (waiter.tried.length > 0) {
      const fresh = candidates.filter((upstream) => !waiter.tried.includes(upstream));
      if (fresh.length > 0) candidates = fresh;
    }
    if (candidates.length === 0) candidates = this.#lastResort(eligible);
    return candidates.length === 0 ? undefined : this.#balancer.pick(candidates, waiter);
  }

  /** Panic: when failures have opened every breaker, sending anyway beats refusing. */
  #lastResort(eligible: readonly Upstream[]): Upstream[] {
    const closed = eligible.some((upstream) => upstream.breaker.state === 'closed');
    return closed ? [] : eligible.filter((upstream) => upstream.breaker.openedByFailures && !upstream.full);
  }

  #takeBack(ticket: Ticket, outcome: Outcome): void {
    const { upstream } = ticket;
    upstream.tickets.delete(ticket);
    if (outcome === 'failure') upstream.failures += 1;
    upstream.breaker.record(ticket.era, outcome);
    this.#upstreams.noteReturn(upstream);
    if (this.#room.size > 0) this.serveWaiting();
  }
}
