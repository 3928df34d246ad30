// Keeps one lease alive from the outside: takes it, renews it in time, gives it back. A lease that was lost because we
// could not renew it (the instance restarted, we were stopped) is taken again; one that somebody ended is not.

import type { AdminClient } from '../admin/admin-client.js';
import type { LeaseStatus } from '../admin/status-view.js';
import type { Clock, Timer } from '../core/clock.js';
import { errorCode, errorMessage } from '../core/errors.js';

export interface LeaseWanted {
  readonly mode: string;
  readonly holder: string;
  readonly ttlMs: number;
}

export interface LeaseKeeperDeps {
  readonly client: Pick<AdminClient, 'request'>;
  readonly clock: Clock;
  /** Told once for each kind of trouble. */
  readonly warn: (message: string) => void;
}

/** Two may fail before the lease runs out. */
const RENEWALS_PER_TTL = 3;

export class LeaseKeeper {
  readonly #wanted: LeaseWanted;
  readonly #deps: LeaseKeeperDeps;
  readonly #warned = new Set<string>();
  #id: string | undefined;
  #renewedAtMs = 0;
  #timer: Timer | undefined;
  #renewing: Promise<void> = Promise.resolve();

  constructor(wanted: LeaseWanted, deps: LeaseKeeperDeps) {
    this.#wanted = wanted;
    this.#deps = deps;
  }

  /** Resolves once the pool has the mode's shape. @throws UnderstudyError with the instance's own reason. */
  async take(signal: AbortSignal): Promise<LeaseStatus> {
    const lease = await this.#post('/v1/leases?wait=true', signal);
    this.#setTimer();
    return lease;
  }

  /**
   * Whether there was a lease and the instance took it back. Idempotent. Never rejects: what can't be given back runs out
   * by itself.
   */
  async giveBack(): Promise<boolean> {
    this.#timer?.cancel();
    await this.#renewing;
    if (this.#id === undefined) return false;
    const path = `/v1/leases/${this.#id}`;
    this.#id = undefined;
    try {
      await this.#deps.client.request({ method: 'DELETE', path });
      return true;
    } catch (error) {
      if (errorCode(error) !== 'unknown-lease') this.#warnOnce('give-back', `not given back: ${errorMessage(error)}`);
      return false;
    }
  }

  async #post(path: string, signal?: AbortSignal): Promise<LeaseStatus> {
    const { mode, holder, ttlMs } = this.#wanted;
    const body = { mode, holder, ttl: ttlMs };
    const lease = await this.#deps.client.request<LeaseStatus>({ method: 'POST', path, body, signal });
    this.#id = lease.id;
    this.#renewedAtMs = this.#deps.clock.now();
    return lease;
  }

  #setTimer(): void {
    this.#timer = this.#deps.clock.startTimer(this.#wanted.ttlMs / RENEWALS_PER_TTL, () => {
      this.#renewing = this.#renew()
        .then(() => this.#id !== undefined && this.#setTimer())
        .then(ignore);
    });
  }

  async #renew(): Promise<void> {
    try {
      const path = `/v1/leases/${this.#id}`;
      const { overruled } = await this.#deps.client.request<LeaseStatus>({ method: 'PUT', path });
      this.#renewedAtMs = this.#deps.clock.now();
      if (overruled) this.#warnOnce('overruled', `another mode was set by hand; the command goes on without its mode`);
    } catch (error) {
      if (errorCode(error) === 'unknown-lease') return this.#replaceLost();
      this.#warnOnce('renew', `not renewed: ${errorMessage(error)} Trying on.`);
    }
  }

  async #replaceLost(): Promise<void> {
    const ranOut = this.#deps.clock.now() - this.#renewedAtMs >= this.#wanted.ttlMs;
    if (!ranOut && !this.#warned.has('renew')) {
      this.#id = undefined;
      return this.#warnOnce('ended', 'somebody ended it; the command goes on without its mode');
    }
    try {
      const { id } = await this.#post('/v1/leases');
      this.#warnOnce('retaken', `it had run out; taken again as ${id}`);
    } catch (error) {
      this.#warnOnce('retake', `it had run out, and another was not given: ${errorMessage(error)} Trying on.`);
    }
  }

  #warnOnce(kind: string, message: string): void {
    if (this.#warned.has(kind)) return;
    this.#warned.add(kind);
    this.#deps.warn(message);
  }
}

function ignore(): void {}
