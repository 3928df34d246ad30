// Connections that have something to say before their first request: a PROXY header, a TLS handshake. Each has the time that
// a client's head has, none is forgotten when everything ends, and those that come to nothing are told of in one way.

import type { DeadlineHolder, DeadlineWheel } from './deadline-wheel.js';
import type { LaneContext } from './lanes/lane-context.js';
import type { ConnectionRefusal } from './request-record.js';
import { takeOut } from './take-out.js';

export interface Prologue extends DeadlineHolder {
  /** Among all. Owned by whoever has them all. */
  place: number;
  /** Closes the connection, once, and takes it out. */
  end(): void;
}

/** As they are now: a reload puts others in their place. */
export type ProloguePolicies = Pick<LaneContext, 'options' | 'trustedProxies' | 'log' | 'observer'>;

export class Prologues {
  readonly policies: ProloguePolicies;
  readonly #wheel: DeadlineWheel;
  readonly #all: Prologue[] = [];

  constructor(policies: ProloguePolicies, wheel: DeadlineWheel) {
    this.policies = policies;
    this.#wheel = wheel;
  }

  get count(): number {
    return this.#all.length;
  }

  add(prologue: Prologue): void {
    prologue.place = this.#all.push(prologue) - 1;
    this.#wheel.arm(prologue, this.#headMs);
  }

  /** It is over, whatever came of it. */
  remove(prologue: Prologue): void {
    this.#wheel.release(prologue);
    if (this.#all[prologue.place] !== prologue) return;
    const moved = takeOut(this.#all, prologue.place);
    if (moved !== undefined) moved.place = prologue.place;
  }

  /** None is waited for any longer than that. */
  shorten(delayMs: number): void {
    for (const prologue of this.#all) this.#wheel.arm(prologue, Math.min(delayMs, this.#headMs));
  }

  /** Ends every one of them now. */
  destroy(): void {
    for (const prologue of [...this.#all]) prologue.end();
  }

  noteRefused(reason: ConnectionRefusal, facts: { readonly peer: string; readonly detail: string }): void {
    this.policies.log.debug({ reason, ...facts }, 'a connection was closed before its first request');
    this.policies.observer.onConnectionRefused?.(reason);
  }

  get #headMs(): number {
    return this.policies.options.deadlines.clientHeadMs;
  }
}
