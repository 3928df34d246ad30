// Since when no worker has been lost: what stands in for lost workers goes back to its rest only after a while of it,
// counted from the recovery, so that a flapping worker does not make the standby flap too.

export type FailbackView =
  /** Something that should serve is still lost. */
  | { readonly kind: 'recovering' }
  /** Everything is back; if nothing more is lost, it is steady this much later. */
  | { readonly kind: 'pending'; readonly inMs: number }
  | { readonly kind: 'steady' };

export class Steadiness {
  readonly #failbackAfterMs: () => number;
  #recovering = false;
  #steadyAtMs = -Infinity;

  constructor(failbackAfterMs: () => number) {
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
    this.#steadyAtMs = nowMs + this.#failbackAfterMs();
  }

  isSteady(nowMs: number): boolean {
    return !this.#recovering && nowMs >= this.#steadyAtMs;
  }

  view(nowMs: number): FailbackView {
    if (this.#recovering) return { kind: 'recovering' };
    return this.isSteady(nowMs) ? { kind: 'steady' } : { kind: 'pending', inMs: this.#steadyAtMs - nowMs };
  }

  /** When it will be steady if nothing happens; undefined while something is still lost. */
  get steadyAtMs(): number | undefined {
    return this.#recovering ? undefined : this.#steadyAtMs;
  }
}
