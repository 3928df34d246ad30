// Repeats are paid for: each request earns a share of one, up to a reserve, and a burst has a small allowance on top.
// So a dying pool is not hammered with repeats of what it fails (the idea of Finagle's retry budgets).

export interface RetryBudgetOptions {
  /** What one request earns, in repeats. */
  readonly share: number;
  /** Repeats that are always allowed for. */
  readonly allowance: number;
  /** Most that can be saved up. */
  readonly reserve: number;
}

export class RetryBudget {
  readonly #options: RetryBudgetOptions;
  #balance: number;

  constructor(options: RetryBudgetOptions) {
    this.#options = options;
    this.#balance = options.allowance;
  }

  /** Call for each new request. */
  earn(): void {
    this.#balance = Math.min(this.#balance + this.#options.share, this.#options.reserve);
  }

  /** False when nothing is left; otherwise one repeat is paid. */
  trySpend(): boolean {
    if (this.#balance < 1) return false;
    this.#balance -= 1;
    return true;
  }
}
