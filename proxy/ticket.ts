// A request's admission to an upstream. It is given back exactly once, with what the request tells of the upstream.

import type { Outcome } from './breaker.js';
import type { Upstream } from './upstream.js';

/** Who holds a ticket: can be told to end what it is doing, with an explicit error towards the client. */
export interface TicketHolder {
  /** It lasts until somebody ends it: an event stream, a tunnel. */
  readonly stream: boolean;
  abort(reason: string): void;
}

/** Takes tickets back. */
export interface TicketOffice {
  takeBack(ticket: Ticket, outcome: Outcome): void;
}

export class Ticket {
  readonly upstream: Upstream;
  readonly holder: TicketHolder;
  /** The breaker's era that its outcome counts in. */
  era: number;
  /** By the proxy's clock; lanes use it too instead of reading the clock again. */
  readonly admittedAt: number;
  /** Since when its request, sent whole, waits for the first byte of its answer; Infinity while it does not. */
  waitingSince = Infinity;
  /** Its neighbours among the tickets that are out, kept by its upstream: a list in the tickets costs nothing. */
  older: Ticket | undefined = undefined;
  newer: Ticket | undefined = undefined;
  readonly #office: TicketOffice;
  #returned = false;

  constructor(upstream: Upstream, holder: TicketHolder, office: TicketOffice, now: number) {
    this.upstream = upstream;
    this.holder = holder;
    this.era = upstream.breaker.enter();
    this.admittedAt = now;
    this.#office = office;
    upstream.hold(this);
  }

  /** The upstream has begun an answer that is no failure. */
  vouch(): void {
    this.era = this.upstream.breaker.vouch(this.era);
  }

  /** Later calls are ignored: the first cause wins. */
  giveBack(outcome: Outcome): void {
    if (this.#returned) return;
    this.#returned = true;
    this.upstream.release(this);
    this.#office.takeBack(this, outcome);
  }
}
