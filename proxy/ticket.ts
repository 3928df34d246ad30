// A request's admission to an upstream. It is given back exactly once, with what the request tells of the upstream. Then it
// may serve its holder once more.

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
  readonly holder: TicketHolder;
  #upstream!: Upstream;
  #era = 0;
  #admittedAt = 0;
  /** Since when its request, sent whole, waits for the first byte of its answer; Infinity while it does not. */
  waitingSince = Infinity;
  /** Its neighbours among the tickets that are out, kept by its upstream: a list in the tickets costs nothing. */
  older: Ticket | undefined = undefined;
  newer: Ticket | undefined = undefined;
  readonly #office: TicketOffice;
  #returned = true;

  constructor(holder: TicketHolder, office: TicketOffice) {
    this.holder = holder;
    this.#office = office;
  }

  /** Its holder is admitted, `now` by the proxy's clock. */
  begin(upstream: Upstream, now: number): void {
    this.#upstream = upstream;
    this.#era = upstream.breaker.enter();
    this.#admittedAt = now;
    this.waitingSince = Infinity;
    this.#returned = false;
    upstream.hold(this);
  }

  get upstream(): Upstream {
    return this.#upstream;
  }

  /** The breaker's era that its outcome counts in. */
  get era(): number {
    return this.#era;
  }

  /** By the proxy's clock; lanes use it too instead of reading the clock again. */
  get admittedAt(): number {
    return this.#admittedAt;
  }

  /** The upstream has begun an answer that is no failure. */
  vouch(): void {
    this.#era = this.#upstream.breaker.vouch(this.#era);
  }

  /** Later calls are ignored: the first cause wins. */
  giveBack(outcome: Outcome): void {
    if (this.#returned) return;
    this.#returned = true;
    this.#upstream.release(this);
    this.#office.takeBack(this, outcome);
  }
}
