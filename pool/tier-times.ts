// How long the way back into traffic takes from each temperature, by backend, as last seen: rehearsed at idle (hot,
// frozen, asleep), or the last start itself (cold). Only remembers.
import type { Temperature } from './options.js';

export interface TierTime {
  readonly ms: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

export type TierView = Readonly<Partial<Record<Temperature, TierTime>>>;

export class TierTimes {
  readonly #byBackend = new Map<string, TierView>();

  note(backend: string, temperature: Temperature, time: TierTime): void {
    this.#byBackend.set(backend, { ...this.#byBackend.get(backend), [temperature]: time });
  }

  of(backend: string): TierView {
    return this.#byBackend.get(backend) ?? {};
  }
}
