// Since when no worker has been lost: what stands in for lost workers goes back to its rest only after a while of it,
// counted from the recovery, so that a flapping worker does not make the standby flap too.

export class Steadiness {
  readonly #failbackAfterMs: number;
  #recovering = false;
  #steadyAtMs = -Infinity;

  constructor(failbackAfterMs: number) {
    this.#failbackAfterMs = failbackAfterMs;
  }

  /** A worker that served was lost. */
  noteLoss(): void {
    this.#recovering = true;
  }

  /** Everything that should serve, serves. */
  noteComplete(nowMs: number): void {
    if (!this.#recovering) return;
    this.#recovering = false;
    this.#steadyAtMs = nowMs + this.#failbackAfterMs;
  }

  isSteady(nowMs: number): boolean {
    return !this.#recovering && nowMs >= this.#steadyAtMs;
  }

  /** When it will be steady if nothing happens; undefined while something is still lost. */
  get steadyAtMs(): number | undefined {
    return this.#recovering ? undefined : this.#steadyAtMs;
  }
}
