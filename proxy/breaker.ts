// One upstream's circuit breaker. opossum keeps the account and the states; this file adds what it lacks: an era guard
// (a late result from before a transition never flips the new state), three failures in a row, doubling open times
// with jitter, one probe at a time, and the rule that the last usable upstream is never opened for its failures.
// Results are told to opossum at completion, already known, and only when they belong to the present era.

import CircuitBreaker from 'opossum';
import { jittered, type Random } from '../src/core/random.js';

export type BreakerState = 'closed' | 'open' | 'half-open';

/** `neutral`: tells nothing of the upstream (the client left, or it was never asked). */
export type Outcome = 'success' | 'failure' | 'neutral';

export interface BreakerOptions {
  readonly failuresInRow: number;
  readonly windowMs: number;
  readonly minimumInWindow: number;
  /** Failed share of the window, in percent, from which it trips. */
  readonly failedPercent: number;
  readonly firstOpenMs: number;
  readonly longestOpenMs: number;
}

export const defaultBreakerOptions: BreakerOptions = {
  failuresInRow: 3,
  windowMs: 10_000,
  minimumInWindow: 10,
  failedPercent: 50,
  firstOpenMs: 1_000,
  longestOpenMs: 30_000,
};

export interface BreakerHooks {
  readonly random: Random;
  /** False for the last usable upstream: then failures don't open it. */
  readonly mayOpen: () => boolean;
  /** Called in the turn of each transition; `closed` also when one that was spared does well again. */
  readonly onChange: (state: BreakerState) => void;
  /** Failures would have opened it, were it not the last one. Once, until it does well again. */
  readonly onSpared: () => void;
}

const OPEN_JITTER = 0.2;

export class UpstreamBreaker {
  readonly #options: BreakerOptions;
  readonly #hooks: BreakerHooks;
  /** opossum keeps this very object and reads the open time from it at each opening. */
  readonly #settings: CircuitBreaker.Options & { resetTimeout: number };
  #circuit: CircuitBreaker<[], undefined>;
  #era = 0;
  #failuresInRow = 0;
  #openings = 0;
  #probing = false;
  #refused = false;
  #spared = false;
  #state: BreakerState = 'closed';

  constructor(options: BreakerOptions, hooks: BreakerHooks) {
    this.#options = options;
    this.#hooks = hooks;
    this.#settings = {
      timeout: false,
      resetTimeout: this.#nextOpenMs(),
      volumeThreshold: options.minimumInWindow,
      // opossum trips above its threshold; the rule is "from half on".
      errorThresholdPercentage: options.failedPercent - 0.001,
      rollingCountTimeout: options.windowMs,
      rollingPercentilesEnabled: false,
      enableSnapshots: false,
    };
    this.#circuit = this.#createCircuit();
  }

  get state(): BreakerState {
    return this.#state;
  }

  /** What others should think of it: one that is only spared is as good as open. */
  get judgement(): BreakerState {
    return this.#spared ? 'open' : this.#state;
  }

  /** Whether a request may go through now; an open one lets none, a half-open one lets a single probe. */
  get admits(): boolean {
    return this.#state === 'closed' || (this.#state === 'half-open' && !this.#probing);
  }

  /**
   * Whether traffic may be sent anyway for want of anything better: failures opened it, and a slow probe must not keep
   * everybody waiting. Where a connection was refused nobody is sent.
   */
  get admitsInPanic(): boolean {
    return this.#state !== 'open' || !this.#refused;
  }

  /** Begins a request; the era goes back to `record` with its outcome. */
  enter(): number {
    if (this.#state === 'half-open') this.#probing = true;
    return this.#era;
  }

  /**
   * A request has an answer that is no failure, and may last for hours: a probe has told what it was to tell. Returns the era
   * that its outcome counts in from here on.
   */
  vouch(era: number): number {
    if (this.#state !== 'half-open' || era !== this.#era) return era;
    this.#close();
    return this.#era;
  }

  /** Ends a request. One that was admitted in an earlier era changes nothing. */
  record(era: number, outcome: Outcome): void {
    if (era !== this.#era) return;
    if (this.#state === 'closed') return this.#recordClosed(outcome);
    this.#probing = false;
    // An open breaker is only asked in panic; its answers come too early to close it.
    if (this.#state === 'open' || outcome === 'neutral') return;
    if (outcome === 'failure') return this.#circuit.open();
    this.#close();
    this.#forgetOpenings();
  }

  /** Nothing listens there: out at once, last or not. False when that was known. */
  trip(): boolean {
    if (this.#state === 'open' && this.#refused) return false;
    this.#refused = true;
    this.#circuit.open();
    return true;
  }

  /** Lets its timers go. */
  dispose(): void {
    this.#circuit.shutdown();
  }

  #recordClosed(outcome: Outcome): void {
    if (outcome === 'success') {
      this.#failuresInRow = 0;
      // All that opossum's account needs of a success, without the promises and events of its fire().
      accountOf(this.#circuit).increment('fires');
      if (this.#spared) this.#endSparing();
      if (this.#openings > 0) this.#forgetOpenings();
    } else if (outcome === 'failure') {
      this.#failuresInRow += 1;
      // Judges the window in a microtask of this turn.
      this.#circuit.fire().catch(ignore);
      if (this.#failuresInRow >= this.#options.failuresInRow) this.#circuit.open();
    }
  }

  /** A closed era has an account of its own: failures from before the opening are paid for. */
  #createCircuit(): CircuitBreaker<[], undefined> {
    const circuit = new CircuitBreaker(failed, this.#settings);
    circuit.on('open', () => this.#onOpen());
    circuit.on('halfOpen', () => this.#onHalfOpen());
    return circuit;
  }

  #onOpen(): void {
    if (!this.#refused && this.#state === 'closed' && !this.#hooks.mayOpen()) return this.#spare();
    this.#openings += 1;
    this.#settings.resetTimeout = this.#nextOpenMs();
    this.#enterState('open');
  }

  #onHalfOpen(): void {
    this.#refused = false;
    this.#enterState('half-open');
  }

  /** Until a request has come to a good end the next opening is as long as if it had never closed. */
  #close(): void {
    this.#circuit.shutdown();
    this.#circuit = this.#createCircuit();
    this.#enterState('closed');
  }

  #forgetOpenings(): void {
    this.#openings = 0;
    this.#settings.resetTimeout = this.#nextOpenMs();
  }

  #spare(): void {
    this.#circuit.close();
    if (this.#spared) return;
    this.#spared = true;
    this.#hooks.onSpared();
  }

  #endSparing(): void {
    this.#spared = false;
    this.#hooks.onChange('closed');
  }

  #enterState(state: BreakerState): void {
    this.#era += 1;
    this.#failuresInRow = 0;
    this.#probing = false;
    this.#spared = false;
    this.#state = state;
    this.#hooks.onChange(state);
  }

  #nextOpenMs(): number {
    const { firstOpenMs, longestOpenMs } = this.#options;
    return jittered(Math.min(firstOpenMs * 2 ** this.#openings, longestOpenMs), OPEN_JITTER, this.#hooks.random);
  }
}

/** Not in the types: what its own listeners write to. */
function accountOf({ status }: CircuitBreaker<[], undefined>): { increment(property: 'fires'): void } {
  return status as unknown as { increment(property: 'fires'): void };
}

const FAILURE = new Error('the request failed');

function failed(): Promise<undefined> {
  return Promise.reject(FAILURE);
}

function ignore(): void {
  // opossum has taken the failure into its account; nobody waits for the promise.
}
