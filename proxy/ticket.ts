// A request's admission to an upstream. It is given back exactly once, with what the request tells of the upstream.

import type { Outcome } from './breaker.js';
import type { Upstream } from './upstream.js';

/** Who holds a ticket: can be told to end what it is doing, with an explicit error towards the client. */
export interface TicketHolder {
  abort(reason: string): void;
}

export type TicketReturn = (ticket: Ticket, outcome: Outcome) => void;

export class Ticket {
  readonly upstream: Upstream;
  readonly holder: TicketHolder;
  /** The breaker's era at admission. */
  readonly era: number;
  readonly admittedAt: number;
  readonly #onReturn: TicketReturn;
  #returned = false;

  constructor(
    upstream: Upstream,
    holder: TicketHolder,
    context: { readonly now: number; readonly onReturn: TicketReturn },
  ) {
    this.upstream = upstream;
    this.holder = holder;
    this.era = upstream.breaker.enter();
    this.admittedAt = context.now;
    this.#onReturn = context.onReturn;
    upstream.tickets.add(this);
    upstream.requests += 1;
  }

  /** Later calls are ignored: the first cause wins. */
  giveBack(outcome: Outcome): void {
    if (this.#returned) return;
    this.#returned = true;
    this.#onReturn(this, outcome);
  }
}
