// Picks an upstream and admits the request in one synchronous step; who finds none waits in the waiting room and is
// served in the very turn in which somebody can take it. Lanes hand in a Waiter and get a ticket or a refusal.

import type { Clock } from '../src/core/clock.js';
import type { Outcome } from './breaker.js';
import type { Balancer } from './balance/balancer.js';
import { candidatesAmong } from './candidates.js';
import { Specimen } from './specimen.js';
import { Ticket, type TicketHolder, type TicketOffice } from './ticket.js';
import type { Upstream } from './upstream.js';
import type { UpstreamSet } from './upstream-set.js';
import { WaitingRoom, type Waiting, type WaitingRoomOptions } from './waiting-room.js';

export type RefusalCode = 'queue-full' | 'queue-timeout' | 'shutting-down' | 'shed';

/** A request that wants an upstream. One object a request; no closures needed. */
export interface Waiter extends TicketHolder, Waiting {
  /** What sticky balancing goes by. */
  readonly affinityKey: string;
  /** Those that failed this request already; they come last. */
  readonly tried: readonly Upstream[];
  /** It has been given back, and nobody knows it any more but its holder: it serves again. */
  readonly usedTicket?: Ticket | undefined;
  onTicket(ticket: Ticket): void;
  onRefused(code: RefusalCode): void;
}

export interface DispatcherDependencies {
  readonly clock: Clock;
  readonly upstreams: UpstreamSet;
  readonly balancer: Balancer;
  readonly waitingRoom: WaitingRoomOptions;
}

export class Dispatcher implements TicketOffice {
  readonly #clock: Clock;
  readonly #upstreams: UpstreamSet;
  #balancer: Balancer;
  readonly #room: WaitingRoom<Waiter>;
  readonly #tryServeWaiting = (waiter: Waiter) => this.#tryServe(waiter);
  readonly #specimen = new Specimen<Ticket>();
  #closed = false;
  /** The machine is short of memory: what is least urgent is turned away. */
  shedsBatch = false;
  #waitedTotal = 0;

  constructor(dependencies: DispatcherDependencies) {
    const { clock, upstreams, balancer, waitingRoom } = dependencies;
    this.#clock = clock;
    this.#upstreams = upstreams;
    this.#balancer = balancer;
    this.#room = new WaitingRoom<Waiter>(waitingRoom, clock, {
      onDeadline: (waiter) => waiter.onRefused('queue-timeout'),
      onDisplaced: (waiter) => waiter.onRefused('queue-full'),
    });
  }

  /** Requests in the room now. */
  get waiting(): number {
    return this.#room.size;
  }

  /** Requests that ever had to wait. */
  get waitedTotal(): number {
    return this.#waitedTotal;
  }

  /** Other policies from now on; those who wait are served as far as these allow. */
  applyPolicies({ balancer, waitingRoom }: Pick<DispatcherDependencies, 'balancer' | 'waitingRoom'>): void {
    this.#balancer = balancer;
    this.#room.applyOptions(waitingRoom);
    this.serveWaiting();
  }

  /** Calls back at once with a ticket or a refusal, or later from the waiting room. `now`: for who has just read the clock. */
  admit(waiter: Waiter, now = this.#clock.now()): void {
    if (this.shedsBatch && waiter.priority === 'batch') return waiter.onRefused('shed');
    if (this.#closed) return waiter.onRefused('shutting-down');
    // Nobody overtakes those who wait already, unless they are less urgent.
    if ((this.#room.size === 0 || this.#room.countBefore(waiter.priority) === 0) && this.#tryServe(waiter, now)) return;
    if (!this.#room.tryEnter(waiter)) return waiter.onRefused('queue-full');
    this.#waitedTotal += 1;
  }

  /** The request is gone: its place is free at once. Idempotent. */
  leave(waiter: Waiter): void {
    this.#room.leave(waiter);
  }

  /** Serves those who wait, as far as it goes. */
  serveWaiting(): void {
    if (this.#room.size > 0) this.#room.serve(this.#tryServeWaiting);
  }

  /** Turns away whoever waits, and whoever comes from now on. */
  close(): void {
    this.#closed = true;
    this.#room.clear((waiter) => waiter.onRefused('shutting-down'));
  }

  /** Tickets call it when they are given back. */
  takeBack(ticket: Ticket, outcome: Outcome): void {
    const { upstream } = ticket;
    if (outcome === 'failure') upstream.failures += 1;
    else if (outcome === 'success') this.#learn(ticket);
    upstream.breaker.record(ticket.era, outcome);
    this.#upstreams.noteReturn(upstream);
    this.serveWaiting();
  }

  #tryServe(waiter: Waiter, now = this.#clock.now()): boolean {
    const upstream = this.#pick(waiter, now);
    if (upstream === undefined) return false;
    this.#room.leave(waiter);
    const ticket = waiter.usedTicket ?? new Ticket(waiter, this);
    ticket.begin(upstream, now);
    this.#specimen.last = ticket;
    waiter.onTicket(ticket);
    return true;
  }

  #pick(waiter: Waiter, now: number): Upstream | undefined {
    const candidates = candidatesAmong(this.#upstreams, waiter.tried, now);
    return candidates.length === 0 ? undefined : this.#balancer.pick(candidates, waiter, now);
  }

  /** Only where somebody goes by latency is the clock read once more. */
  #learn({ upstream, admittedAt, holder }: Ticket): void {
    const { gradient } = upstream;
    if (gradient === undefined && this.#balancer.observe === undefined) return;
    // How long a stream lasts is its client's business.
    if (holder.stream) return;
    const now = this.#clock.now();
    const durationMs = now - admittedAt;
    this.#balancer.observe?.(upstream, { durationMs, now });
    if (gradient?.sample({ durationMs, inflight: upstream.inflight + 1, now }) === true) upstream.updateLimit();
  }
}
