// The request head that came last and what was made of it: clients repeat their heads, octet by octet, so nothing of such
// a request has to be parsed or judged anew. A client's next connection begins with what was known on its last one.

import { LastOctets } from '../http1/last-octets.js';
import type { FastPlan } from './fast/fast-plan.js';

export class KnownHead {
  readonly #octets = new LastOctets();
  #plan: FastPlan | undefined;

  /** In octets; 0 when none is known. */
  get length(): number {
    return this.#octets.length;
  }

  /** The plan of the head that `bytes` begin with; undefined for any other. */
  planFor(bytes: Buffer): FastPlan | undefined {
    return this.#octets.areFirstOf(bytes, bytes.length) ? this.#plan : undefined;
  }

  /** It is the first `length` of `bytes`. */
  keep(bytes: Buffer, length: number, plan: FastPlan): void {
    this.#octets.keep(bytes, length);
    this.#plan = plan;
  }

  /** What was made of it holds no more. */
  forget(): void {
    this.#octets.forget();
    this.#plan = undefined;
  }
}

/**
 * What a new connection without encryption begins with (another scheme makes another plan). Only the client that came last is
 * remembered: many at a time share few heads.
 */
export class KnownHeads {
  #address = '';
  #head: KnownHead | undefined;

  /** Of the client's last connection that had a head of its own. */
  of(clientAddress: string): KnownHead | undefined {
    return this.#address === clientAddress ? this.#head : undefined;
  }

  note(clientAddress: string, head: KnownHead): void {
    this.#address = clientAddress;
    this.#head = head;
  }

  forget(): void {
    this.#head = undefined;
  }
}
