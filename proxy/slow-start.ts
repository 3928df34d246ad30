// Slow start: a fresh process (cold caches, code not compiled, model on its first batch) gets few requests at once at
// first, and within the window as many as its busiest seasoned peer. The limit is soft: a fresh one still takes what
// nobody else can, and where all are fresh there is nobody to spare them. Pure.

export interface Ramp {
  /** Since it began to take traffic. */
  readonly ageMs: number;
  readonly windowMs: number;
  /** In flight on the busiest upstream that is seasoned. */
  readonly peerInflight: number;
}

/** Requests that a fresh upstream should have in flight at most. */
export function rampLimit({ ageMs, windowMs, peerInflight }: Ramp): number {
  return 1 + Math.floor(peerInflight * Math.min(1, Math.max(0, ageMs / windowMs)));
}
