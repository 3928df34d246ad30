// Keeps one lease alive from the outside: takes it, renews it in time, gives it back. A lease that was lost because we
// could not renew it (the instance restarted, we were stopped) is taken again; one that somebody ended is not.

import type { AdminClient } from '../admin/admin-client.js';
import type { LeaseStatus } from '../admin/status-view.js';
import type { Clock, Timer } from '../core/clock.js';
import { errorCode, errorMessage, operatorError } from '../core/errors.js';

export interface LeaseWanted {
  readonly mode: string;
  readonly holder: string;
  readonly ttlMs: number;
}

export interface LeaseKeeperDeps {
  readonly client: Pick<AdminClient, 'request' | 'status'>;
  readonly clock: Clock;
  /** Told once for each kind of trouble. */
  readonly warn: (message: string) => void;
}

/** Two may fail before the lease runs out. */
const RENEWALS_PER_TTL = 3;
/** An instance that is stopped (SIGSTOP) takes requests and never answers. */
const PATIENCE_MS = 10_000;

export class LeaseKeeper {
  readonly #wanted: LeaseWanted;
  readonly #deps: LeaseKeeperDeps;
  readonly #warned = new Set<string>();
  #id: string | undefined;
  #renewedAtMs = 0;
  /** When the instance that gave the lease started. Another instance does not know it. */
  #instance: number | undefined;
  #timer: Timer | undefined;
  #givenBack = false;
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
    this.#givenBack = true;
    this.#timer?.cancel();
    await this.#renewing;
    if (this.#id === undefined) return false;
    const path = `/v1/leases/${this.#id}`;
    this.#id = undefined;
    try {
      await this.#inTime((signal) => this.#deps.client.request({ method: 'DELETE', path, signal }));
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
    await this.#noteHeld();
    return lease;
  }

  #setTimer(): void {
    this.#timer = this.#deps.clock.startTimer(this.#wanted.ttlMs / RENEWALS_PER_TTL, () => {
      this.#renewing = this.#renew().then(() => {
        if (this.#id !== undefined && !this.#givenBack) this.#setTimer();
      });
    });
  }

  async #inTime<T>(ask: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const late = new AbortController();
    const error = operatorError('no-answer', `the instance did not answer within ${PATIENCE_MS / 1000} s.`);
    const timer = this.#deps.clock.startTimer(PATIENCE_MS, () => late.abort(error));
    try {
      return await ask(late.signal);
    } finally {
      timer.cancel();
    }
  }

  async #renew(): Promise<void> {
    const path = `/v1/leases/${this.#id}`;
    try {
      const { overruled } = await this.#inTime((signal) =>
        this.#deps.client.request<LeaseStatus>({ method: 'PUT', path, signal }),
      );
      await this.#noteHeld();
      if (overruled) this.#warnOnce('overruled', `another mode was set by hand; the command goes on without its mode`);
    } catch (error) {
      if (errorCode(error) === 'unknown-lease') return this.#replaceLost();
      this.#warnOnce('renew', `not renewed: ${errorMessage(error)} Trying on.`);
    }
  }

  async #replaceLost(): Promise<void> {
    const ranOut = this.#deps.clock.now() - this.#renewedAtMs >= this.#wanted.ttlMs;
    const instance = await this.#startOfInstance();
    const isSame = instance === this.#instance;
    if (this.#givenBack) return void (this.#id = undefined);
    // Unknown whether it is the same instance: the next renewal tries again to find out.
    if (!ranOut && instance === undefined) return;
    if (!ranOut && isSame) {
      this.#id = undefined;
      return this.#warnOnce('ended', 'somebody ended it; the command goes on without its mode');
    }
    try {
      const { id } = await this.#inTime((signal) => this.#post('/v1/leases', signal));
      this.#warnOnce('retaken', `it was lost; taken again as ${id}`);
    } catch (error) {
      this.#warnOnce('retake', `it was lost, and another was not given: ${errorMessage(error)} Trying on.`);
    }
  }

  async #noteHeld(): Promise<void> {
    this.#renewedAtMs = this.#deps.clock.now();
    this.#instance = (await this.#startOfInstance()) ?? this.#instance;
  }

  /** Undefined when it does not answer. */
  async #startOfInstance(): Promise<number | undefined> {
    try {
      return (await this.#inTime((signal) => this.#deps.client.status(signal))).instance.startedAt;
    } catch {
      return undefined;
    }
  }

  #warnOnce(kind: string, message: string): void {
    if (this.#warned.has(kind)) return;
    this.#warned.add(kind);
    this.#deps.warn(message);
  }
}
