// A dispatcher over a set of upstreams with a clock that tests move, and requests that remember what they got.

import type { UpstreamIncident, UpstreamTarget } from '../../src/core/traffic-port.js';
import { LeastOutstanding } from '../../proxy/balance/least-outstanding.js';
import type { Balancer } from '../../proxy/balance/balancer.js';
import { defaultBreakerOptions } from '../../proxy/breaker.js';
import { Dispatcher, type RefusalCode, type Waiter } from '../../proxy/dispatcher.js';
import type { Priority } from '../../proxy/priority.js';
import type { Ticket } from '../../proxy/ticket.js';
import type { Upstream } from '../../proxy/upstream.js';
import { UpstreamSet, type UpstreamSetOptions } from '../../proxy/upstream-set.js';
import { ManualClock } from './manual-clock.js';
import { targetFor } from './proxy-rig.js';

export class FakeRequest implements Waiter {
  readonly name: string;
  readonly affinityKey: string;
  readonly priority: Priority | undefined;
  readonly tried: Upstream[] = [];
  stream = false;
  readonly #log: string[];
  ticket: Ticket | undefined;
  usedTicket: Ticket | undefined;
  refusal: RefusalCode | undefined;
  abortedFor: string | undefined;

  constructor(name: string, log: string[], priority?: Priority) {
    this.name = name;
    this.affinityKey = name;
    this.priority = priority;
    this.#log = log;
  }

  /** `waiting`, the id of its upstream, or why it was refused. */
  get place(): string {
    return this.refusal ?? this.ticket?.upstream.id ?? 'waiting';
  }

  onTicket(ticket: Ticket): void {
    this.ticket = ticket;
    this.#log.push(this.name);
  }

  onRefused(code: RefusalCode): void {
    this.refusal = code;
  }

  abort(reason: string): void {
    this.abortedFor = reason;
    this.ticket?.giveBack('neutral');
  }
}

export interface DispatchRigOptions extends Partial<UpstreamSetOptions> {
  readonly capacity?: number;
  readonly deadlineMs?: number;
  readonly balancer?: Balancer;
}

export class DispatchRig {
  readonly clock = new ManualClock();
  readonly incidents: UpstreamIncident[] = [];
  readonly gone: string[] = [];
  /** Names of those served, in order. */
  readonly served: string[] = [];
  readonly upstreams: UpstreamSet;
  readonly dispatcher: Dispatcher;
  /** What the pool would do about an incident. */
  onIncident: (incident: UpstreamIncident) => void = () => undefined;
  #count = 0;

  constructor(options: DispatchRigOptions = {}) {
    const { capacity = 16, deadlineMs = 1_000, balancer = new LeastOutstanding(), ...set } = options;
    this.upstreams = new UpstreamSet(
      { breaker: defaultBreakerOptions, maxInflight: Infinity, slowStartMs: 0, ...set },
      {
        clock: this.clock,
        random: () => 0.5,
        onIncident: (incident) => {
          this.incidents.push(incident);
          this.onIncident(incident);
        },
        onRoom: () => this.dispatcher.serveWaiting(),
        onGone: (upstream) => void this.gone.push(upstream.id),
      },
    );
    const waitingRoom = { capacity, deadlineMs };
    this.dispatcher = new Dispatcher({ clock: this.clock, upstreams: this.upstreams, balancer, waitingRoom });
  }

  /** Makes `count` warm upstreams the snapshot: a/1, b/1, ... */
  route(count: number, change: Partial<UpstreamTarget> = {}): readonly Upstream[] {
    this.upstreams.apply(
      Array.from({ length: count }, (_, index) => ({ ...targetFor(1000 + index, index), ...change })),
    );
    return this.upstreams.eligible;
  }

  request(priority?: Priority, name = `r${(this.#count += 1)}`): FakeRequest {
    const request = new FakeRequest(name, this.served, priority);
    this.dispatcher.admit(request);
    return request;
  }

  kinds(): string[] {
    return this.incidents.map(({ id, kind }) => `${id} ${kind}`);
  }
}
