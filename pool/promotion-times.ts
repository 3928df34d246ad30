// How long promotions took, by backend: from the event that called for one until traffic was routed to it, and until
// its first answer there.
import type { Clock } from '../src/core/clock.js';
import type { Worker } from './worker.js';

export interface PromotionTime {
  /** From the event seen to traffic told, in milliseconds. */
  readonly routedMs: number;
  /** From the event seen to the first answer, in milliseconds. */
  readonly provenMs?: number;
}

export class PromotionTimes {
  readonly #clock: Clock;
  readonly #byBackend = new Map<string, PromotionTime & { readonly seenAtMs: number }>();
  #pending: { readonly worker: Worker; readonly calledAtMs: number | undefined }[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** @param calledAtMs when it was called from its sleep, or started for it: its promotion began then. */
  notePromoted(worker: Worker, calledAtMs: number | undefined): void {
    this.#pending.push({ worker, calledAtMs });
  }

  /** To be called right after traffic was told. Returns the promotions that this made real. */
  noteRouted(seenAtMs: number): { readonly worker: Worker; readonly routedMs: number }[] {
    const routed = this.#pending;
    this.#pending = [];
    return routed.map(({ worker, calledAtMs = seenAtMs }) => {
      const routedMs = this.#clock.now() - calledAtMs;
      this.#byBackend.set(worker.backend.name, { routedMs, seenAtMs: calledAtMs });
      return { worker, routedMs };
    });
  }

  noteProved(worker: Worker): number | undefined {
    const time = this.#byBackend.get(worker.backend.name);
    if (time === undefined) return undefined;
    const provenMs = this.#clock.now() - time.seenAtMs;
    this.#byBackend.set(worker.backend.name, { ...time, provenMs });
    return provenMs;
  }

  of(backend: string): PromotionTime | undefined {
    const time = this.#byBackend.get(backend);
    if (time === undefined) return undefined;
    const { routedMs, provenMs } = time;
    return provenMs === undefined ? { routedMs } : { routedMs, provenMs };
  }
}
