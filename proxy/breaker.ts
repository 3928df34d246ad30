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
  /** Called in the turn of each transition. */
  readonly onChange: (state: BreakerState) => void;
}

const OPEN_JITTER = 0.2;

export class UpstreamBreaker {
  readonly #options: BreakerOptions;
  readonly #hooks: BreakerHooks;
  readonly #circuit: CircuitBreaker<[boolean], undefined>;
  /** opossum keeps this very object and reads the open time from it at each opening. */
  readonly #settings: CircuitBreaker.Options & { resetTimeout: number };
  #era = 0;
  #failuresInRow = 0;
  #openings = 0;
  #probing = false;
  #forced = false;
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
      enableSnapshots: false,
    };
    this.#circuit = new CircuitBreaker(settle, this.#settings);
    this.#circuit.on('open', () => this.#onOpen());
    this.#circuit.on('halfOpen', () => this.#onHalfOpen());
    this.#circuit.on('close', () => this.#onClose());
  }

  get state(): BreakerState {
    return this.#state;
  }

  /** Whether a request may go through now; an open one lets none, a half-open one lets a single probe. */
  get admits(): boolean {
    return this.#state === 'closed' || (this.#state === 'half-open' && !this.#probing);
  }

  /** True when traffic may be sent anyway for want of anything better: failures opened it, not a refused connection. */
  get openedByFailures(): boolean {
    return this.#state === 'open' && !this.#forced;
  }

  /** Begins a request; the era goes back to `record` with its outcome. */
  enter(): number {
    if (this.#state === 'half-open') this.#probing = true;
    return this.#era;
  }

  /** Ends a request. One that was admitted in an earlier era changes nothing. */
  record(era: number, outcome: Outcome): void {
    if (era !== this.#era) return;
    this.#probing = false;
    // An open breaker is only asked in panic; its answers come too early to close it.
    if (outcome === 'neutral' || this.#state === 'open') return;
    this.#failuresInRow = outcome === 'failure' ? this.#failuresInRow + 1 : 0;
    this.#circuit.fire(outcome === 'failure').catch(ignore);
    if (this.#failuresInRow < this.#options.failuresInRow && this.#state === 'closed') return;
    if (outcome === 'success') this.#circuit.close();
    else if (this.#state === 'half-open' || this.#hooks.mayOpen()) this.#circuit.open();
  }

  /** Nothing listens there: out at once, last or not. */
  trip(): void {
    this.#forced = true;
    this.#circuit.open();
  }

  /** Lets its timers go. */
  dispose(): void {
    this.#circuit.shutdown();
  }

  #onOpen(): void {
    if (!this.#forced && this.#state === 'closed' && !this.#hooks.mayOpen()) return this.#circuit.close();
    this.#openings += 1;
    this.#settings.resetTimeout = this.#nextOpenMs();
    this.#enterState('open');
  }

  #onHalfOpen(): void {
    this.#forced = false;
    this.#enterState('half-open');
  }

  #onClose(): void {
    if (this.#state === 'closed') return;
    this.#openings = 0;
    this.#forced = false;
    this.#settings.resetTimeout = this.#nextOpenMs();
    this.#enterState('closed');
  }

  #enterState(state: BreakerState): void {
    this.#era += 1;
    this.#failuresInRow = 0;
    this.#probing = false;
    this.#state = state;
    this.#hooks.onChange(state);
  }

  #nextOpenMs(): number {
    const { firstOpenMs, longestOpenMs } = this.#options;
    return jittered(Math.min(firstOpenMs * 2 ** this.#openings, longestOpenMs), OPEN_JITTER, this.#hooks.random);
  }
}

const FAILURE = new Error('the request failed');

function settle(failed: boolean): Promise<undefined> {
  return failed ? Promise.reject(FAILURE) : Promise.resolve(undefined);
}

function ignore(): void {
  // opossum has taken the failure into its account; nobody waits for the promise.
}
