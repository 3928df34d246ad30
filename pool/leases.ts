// The table of leases: who holds which mode, and until when. It knows time and nothing of modes or pools: whoever owns
// it decides what a lease means. A lease ends exactly once: given back, withdrawn or run out.
import type { Clock, Timer } from '../src/core/clock.js';
import { operatorError } from '../src/core/errors.js';
import type { Random } from '../src/core/random.js';

export interface LeaseRequest {
  /** Who holds it, in words for people. */
  readonly holder: string;
  readonly mode: string;
  readonly ttlMs: number;
}

export interface Lease extends LeaseRequest {
  readonly id: string;
  /** Place in the order of all claims on a mode. */
  readonly order: number;
}

export interface LeasesDeps {
  readonly clock: Clock;
  readonly random: Random;
  /** Called once for a lease that ran out; it is no longer in the table then. */
  readonly onExpired: (lease: Lease) => void;
}

interface Entry {
  lease: Lease;
  /** On the clock; undefined while somebody's open connection keeps the lease. */
  deadlineMs: number | undefined;
  timer: Timer | undefined;
}

const ID_RANGE = 2 ** 32;

export class Leases {
  readonly #deps: LeasesDeps;
  readonly #entries = new Map<string, Entry>();

  constructor(deps: LeasesDeps) {
    this.#deps = deps;
  }

  /** In the order in which they were taken. */
  get all(): readonly Lease[] {
    return [...this.#entries.values()].map((entry) => entry.lease);
  }

  /** The new lease does not run out before its first `renew`. */
  take(request: LeaseRequest, order: number): Lease {
    const lease = { ...request, id: this.#newId(), order };
    this.#entries.set(lease.id, { lease, deadlineMs: undefined, timer: undefined });
    return lease;
  }

  /** Brings back one that an earlier Understudy gave, with its whole time before it: our absence was not its fault. */
  restore(lease: Lease): void {
    this.#entries.set(lease.id, { lease, deadlineMs: undefined, timer: undefined });
    this.renew(lease.id);
  }

  /** Starts its time anew. @throws UnderstudyError (operator) `unknown-lease`. */
  renew(id: string, ttlMs?: number): Lease {
    const entry = this.#require(id);
    const { clock, onExpired } = this.#deps;
    entry.lease = { ...entry.lease, ttlMs: ttlMs ?? entry.lease.ttlMs };
    entry.deadlineMs = clock.now() + entry.lease.ttlMs;
    entry.timer?.cancel();
    entry.timer = clock.startTimer(
      entry.lease.ttlMs,
      () => {
        this.#entries.delete(id);
        onExpired(entry.lease);
      },
      { unref: true },
    );
    return entry.lease;
  }

  has(id: string): boolean {
    return this.#entries.has(id);
  }

  /** @throws UnderstudyError (operator) `unknown-lease`. */
  end(id: string): Lease {
    const entry = this.#require(id);
    entry.timer?.cancel();
    this.#entries.delete(id);
    return entry.lease;
  }

  endAll(): void {
    for (const { id } of this.all) this.end(id);
  }

  /** What is left of its time. */
  remainingMs(id: string): number {
    const { deadlineMs, lease } = this.#require(id);
    return deadlineMs === undefined ? lease.ttlMs : Math.max(0, deadlineMs - this.#deps.clock.now());
  }

  #require(id: string): Entry {
    const entry = this.#entries.get(id);
    if (entry !== undefined) return entry;
    throw operatorError('unknown-lease', `There is no lease '${id}': it ran out, was given back or never was.`);
  }

  #newId(): string {
    for (;;) {
      const number = Math.floor(this.#deps.random() * ID_RANGE);
      const id = `lease-${number.toString(16).padStart(8, '0')}`;
      if (!this.#entries.has(id)) return id;
    }
  }
}
