// Who decides the mode: the operator's hand and the leases. The newest word counts; when a lease ends, the newest of
// those that are left does, and the hand's word is always left. So the last lease to go brings back the mode set by
// hand, and a mode set by hand stays until it is changed by hand. Leaves the switching itself to the manager. Long, because
// it has many rules, each of a few lines, about the same words of hand and leases.
import { unlessAborted } from '../src/core/abort.js';
import { nextTurn, type Clock, type Timer } from '../src/core/clock.js';
import { errorCode, errorMessage, operatorError } from '../src/core/errors.js';
import type { Logger } from '../src/core/log.js';
import type { Random } from '../src/core/random.js';
import { Hand, type Word } from './hand.js';
import { Leases, type Lease, type LeaseRequest } from './leases.js';
import type { PoolEvent } from './pool-event.js';
import type { ModeMemory } from './pool-state.js';
import type { StateFile } from './state-file.js';
import { StateSection } from './state-section.js';
import { superseded } from './switching.js';

/** What it needs of the manager. */
export interface ModeSwitcher {
  /** The mode that the pool has, or is on its way to. */
  readonly targetMode: string;
  /** @throws UnderstudyError `unknown-mode`. */
  requireMode(name: string): void;
  setMode(name: string): Promise<unknown>;
}

export interface ModeControlDeps {
  readonly pool: ModeSwitcher;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly onEvent: (event: PoolEvent) => void;
  /** Where the claims are kept for the next Understudy. Without it they end with us. */
  readonly stateFile?: Pick<StateFile, 'read' | 'put'>;
}

export interface ModeWaitOptions {
  /** True: settle only when the pool has converged, or the switch was rolled back. */
  readonly wait: boolean;
  readonly signal?: AbortSignal;
}

export interface LeaseView {
  readonly id: string;
  readonly holder: string;
  readonly mode: string;
  readonly ttlMs: number;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
  /** The operator has set another mode by hand since: the lease lives on, but decides nothing. */
  readonly overruled: boolean;
}

interface Switch {
  readonly mode: string;
  readonly done: Promise<void>;
}

/** After a switch, or a write of the state file, that failed, until it is tried again. */
const RETRY_MS = 10_000;

export class ModeControl {
  readonly #deps: ModeControlDeps;
  #initialMode: string;
  readonly #leases: Leases;
  readonly #opened: Promise<void>;
  readonly #hand: Hand;
  readonly #memory: StateSection<'modes'> | undefined;
  #order = 0;
  #switch: Switch | undefined;
  #retry: Timer | undefined;
  #isOpen = false;
  #closed = false;
  /** Another Understudy goes on with the claims, so they are no longer ours to write. */
  #isKept = false;
  #open: () => void = () => undefined;

  constructor(initialMode: string, deps: ModeControlDeps) {
    this.#deps = deps;
    this.#initialMode = initialMode;
    this.#hand = new Hand({ mode: initialMode, order: 0 });
    this.#opened = new Promise((resolve) => (this.#open = resolve));
    this.#leases = new Leases({ ...deps, onExpired: (lease) => this.#onExpired(lease) });
    const { stateFile: file, clock, log } = deps;
    if (file === undefined) return;
    const trouble = 'the state file could not be written, which is tried again';
    const content = () => this.#claims();
    this.#memory = new StateSection({ name: 'modes', file, content, clock, log, retryMs: RETRY_MS, trouble });
  }

  /** Takes up the claims that an earlier Understudy left, except those on modes that no longer exist. */
  restore(): void {
    const left = this.#deps.stateFile?.read().modes;
    if (left === undefined) return;
    const leases = left.leases.filter(({ mode }) => this.#exists(mode));
    this.#order = Math.max(left.hand.order, ...leases.map(({ order }) => order));
    // A config that now begins with another mode than it did for that Understudy is a newer word than its hand.
    const goesOn = left.initialMode === this.#initialMode && this.#exists(left.hand.mode);
    this.#hand.restore(goesOn ? left.hand : { mode: this.#initialMode, order: ++this.#order });
    for (const lease of leases) this.#leases.restore(lease);
  }

  /** The pool's first mode stands: from here on the mode may change. Earlier wishes wait for it. */
  open(): void {
    this.#isOpen = true;
    this.#open();
    this.#memory?.write();
    void this.#apply();
  }

  /** While kept, the claims are for another Understudy to go on with, and are no longer written here. */
  keep(kept: boolean): void {
    this.#isKept = kept;
    this.#memory?.write();
  }

  /** No lease outlives the instance that gave it, unless it is kept for the one that takes over. */
  close({ keep = false }: { readonly keep?: boolean } = {}): void {
    this.#isKept = keep;
    this.#leases.endAll();
    this.#retry?.cancel();
    this.#memory?.giveUp();
    this.#closed = true;
  }

  /** @throws UnderstudyError (operator): unknown mode, not reachable; with `wait` also when it was rolled back. */
  async setByHand(mode: string, { wait }: Pick<ModeWaitOptions, 'wait'>): Promise<void> {
    this.#deps.pool.requireMode(mode);
    this.#hand.say({ mode, order: ++this.#order });
    this.#memory?.write();
    const done = this.#switch?.mode === mode ? this.#switch.done : this.#begin(mode);
    await (wait ? done : refusedAtOnce(done));
  }

  /** The config has a new mode to begin with, which counts as a word by hand. @throws as `setByHand` with `wait`. */
  async beginIn(mode: string): Promise<void> {
    const noteInitial = () => {
      this.#initialMode = mode;
      this.#memory?.write();
    };
    try {
      await this.setByHand(mode, { wait: true });
      noteInitial();
    } catch (error) {
      // Somebody has said a newer word. The config's was heard all the same: the next Understudy must not take it for news.
      if (errorCode(error) === 'switch-superseded') noteInitial();
      throw error;
    }
  }

  /**
   * Gives a lease. Its time runs from the end of the wait, or from now without one. A caller that gives up the wait loses
   * the lease.
   * @throws UnderstudyError (operator) `lease-conflict` when somebody holds another mode, and what setByHand throws.
   */
  async lease(request: LeaseRequest, { wait, signal }: ModeWaitOptions): Promise<LeaseView> {
    this.#deps.pool.requireMode(request.mode);
    this.#refuseConflict(request.mode);
    const lease = this.#leases.take(request, ++this.#order);
    this.#announce(lease, `${lease.holder} took a lease on mode ${lease.mode}`);
    const done = this.#apply();
    try {
      await (wait ? unlessAborted(done, signal) : refusedAtOnce(done));
      this.#leases.renew(lease.id);
    } catch (error) {
      this.#withdraw(lease, errorMessage(error));
      throw error;
    }
    return this.#view(lease);
  }

  /** @throws UnderstudyError (operator) `unknown-lease`. */
  renew(id: string, ttlMs?: number): LeaseView {
    const lease = this.#leases.renew(id, ttlMs);
    if (ttlMs !== undefined) this.#memory?.write();
    return this.#view(lease);
  }

  /** @throws UnderstudyError (operator) `unknown-lease`; with `wait` also when the way back failed. */
  async giveBack(id: string, { wait }: Pick<ModeWaitOptions, 'wait'>): Promise<void> {
    const lease = this.#leases.end(id);
    this.#announce(lease, `${lease.holder} gave its lease on mode ${lease.mode} back`);
    const done = this.#apply();
    if (wait) await done;
  }

  /** Those that a reload must not remove: the hand's, the one it would go back to, and those that leases are held on. */
  get modesInUse(): readonly string[] {
    return [...this.#hand.modes, ...this.#leases.all.map(({ mode }) => mode)];
  }

  get leases(): readonly LeaseView[] {
    return this.#leases.all.map((lease) => this.#view(lease));
  }

  #onExpired(lease: Lease): void {
    this.#announce(lease, `${lease.holder} did not renew its lease on mode ${lease.mode} in time: it ran out`);
    void this.#apply();
  }

  #withdraw(lease: Lease, reason: string): void {
    if (!this.#leases.has(lease.id)) return;
    this.#leases.end(lease.id);
    this.#announce(lease, `the lease of ${lease.holder} on mode ${lease.mode} was withdrawn`, reason);
    void this.#apply();
  }

  /** The leases that the hand has not overruled. An overruled one decides nothing, and conflicts with nothing. */
  #effective(): readonly Lease[] {
    return this.#leases.all.filter((lease) => !this.#isOverruled(lease));
  }

  /** A word by hand on the lease's own mode confirms it. */
  #isOverruled({ order, mode }: Word): boolean {
    const { word } = this.#hand;
    return order < word.order && mode !== word.mode;
  }

  #refuseConflict(mode: string): void {
    const other = this.#effective().find((lease) => lease.mode !== mode);
    if (other === undefined) return;
    const seconds = Math.ceil(this.#leases.remainingMs(other.id) / 1000);
    throw operatorError(
      'lease-conflict',
      `Cannot give a lease on ${mode}: ${other.holder} holds ${other.mode} for at least ${seconds} s (${other.id}).`,
    );
  }

  #exists(mode: string): boolean {
    try {
      this.#deps.pool.requireMode(mode);
      return true;
    } catch {
      return false;
    }
  }

  #claims(): ModeMemory | undefined {
    if (this.#isKept || this.#closed) return undefined;
    return { initialMode: this.#initialMode, hand: this.#hand.word, leases: [...this.#leases.all] };
  }

  /** Switches to the mode that is wanted now, or joins the switch that is under way to it. The promise may be ignored: failures are handled. */
  #apply(): Promise<void> {
    const mode = this.#effective().at(-1)?.mode ?? this.#hand.word.mode;
    if (this.#switch?.mode === mode) return this.#switch.done;
    // Only without a switch under way: one that still waits for its turn has not changed the pool's target yet.
    if (this.#switch === undefined && this.#deps.pool.targetMode === mode) return Promise.resolve();
    return this.#begin(mode);
  }

  #begin(mode: string): Promise<void> {
    const begun: Switch = { mode, done: this.#bringAbout(mode, () => this.#switch === begun) };
    this.#switch = begun;
    const onEnd = () => {
      if (this.#switch === begun) this.#switch = undefined;
    };
    begun.done.finally(onEnd).then(
      () => this.#hand.noteStands(mode),
      (error: unknown) => this.#onFailed(mode, error),
    );
    return begun.done;
  }

  async #bringAbout(mode: string, isNewest: () => boolean): Promise<void> {
    if (!this.#isOpen) {
      await this.#opened;
      if (this.#switch !== undefined && !isNewest()) throw superseded(mode, this.#switch.mode);
    }
    await this.#deps.pool.setMode(mode);
  }

  /** Takes back all claims on a mode that can't be had. A switch that was superseded says nothing against its mode. */
  #onFailed(mode: string, error: unknown): void {
    const reason = errorMessage(error);
    this.#deps.log.warn({ mode, reason }, 'switch failed');
    if (errorCode(error) === 'switch-superseded') return;
    if (this.#hand.takeBack(mode)) this.#memory?.write();
    for (const lease of this.#effective()) if (lease.mode === mode) this.#withdraw(lease, reason);
    this.#retryLater();
  }

  /** The switch back to what is wanted may fail too, since workers fail to start at times: it is tried again. */
  #retryLater(): void {
    if (this.#closed) return;
    this.#retry?.cancel();
    this.#retry = this.#deps.clock.startTimer(RETRY_MS, () => void this.#apply().catch(ignore), { unref: true });
  }

  #view(lease: Lease): LeaseView {
    const { id, holder, mode, ttlMs } = lease;
    const expiresAt = Math.round(this.#deps.clock.epochNow() + this.#leases.remainingMs(id));
    return { id, holder, mode, ttlMs, expiresAt, overruled: this.#isOverruled(lease) };
  }

  #announce(lease: Lease, cause: string, evidence?: string): void {
    this.#memory?.write();
    const at = this.#deps.clock.epochNow();
    const rule = 'the newest word on the mode counts; the last lease to go brings back the one set by hand';
    this.#deps.onEvent({ at, kind: 'lease', cause, ...(evidence === undefined ? {} : { evidence }), rule });
    this.#deps.log.info({ lease: lease.id }, cause);
  }
}

function ignore(): void {}

/**
 * Rejects only if the switch is refused from the start: what fails later is told by the events. A refusal passes through
 * several promises on its way here, but all of those settle before the next turn of the event loop.
 */
function refusedAtOnce(done: Promise<void>): Promise<void> {
  return Promise.race([done, nextTurn()]);
}
