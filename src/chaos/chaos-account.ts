// The account of a run of chaos: what was asked, what failed and why, act by act, beside what the instance itself counted.

import type { StatusView } from '../admin/status-view.js';
import type { Outcome } from './client-load.js';
import { countsBy, quantileSince, type MetricSample } from './metrics-reading.js';

export interface ActReport {
  readonly name: string;
  times: number;
  requests: number;
  failed: number;
  slowestMs: number;
  /** Why the instance would not have it, the last time that it would not. */
  refusal?: string;
}

export interface ChaosReport {
  readonly requests: number;
  readonly failed: number;
  /** Failures that another attempt could have saved: there should be none. */
  readonly avoidable: number;
  readonly acts: readonly ActReport[];
  /** Failures as clients saw them. */
  readonly causes: ReadonlyMap<string, number>;
  /** Attempts made again, by what had failed. */
  readonly repeats: ReadonlyMap<string, number>;
  /** 99 % waited at most so long for a worker. */
  readonly queuedP99Ms: number;
  /** From the event to traffic routed, and to the first answer, of each promotion. */
  readonly promotions: readonly Promotion[];
}

export interface Promotion {
  readonly backend: string;
  readonly routedMs: number;
  readonly provenMs?: number;
}

export class ChaosAccount {
  readonly #before: readonly MetricSample[];
  readonly #acts = new Map<string, ActReport>();
  readonly #causes = new Map<string, number>();
  readonly #promotions = new Map<string, Promotion>();
  #act: ActReport = { name: 'before', times: 0, requests: 0, failed: 0, slowestMs: 0 };
  #requests = 0;
  #avoidable = 0;

  constructor(before: readonly MetricSample[]) {
    this.#before = before;
  }

  /** What ends from now on is put down to this act. */
  beginAct(name: string): void {
    const act = this.#acts.get(name) ?? { name, times: 0, requests: 0, failed: 0, slowestMs: 0 };
    this.#acts.set(name, act);
    act.times += 1;
    this.#act = act;
  }

  /** The present act could not be played. */
  noteRefusal(reason: string): void {
    this.#act.refusal = reason;
  }

  noteOutcome({ durationMs, failure, avoidable }: Outcome): void {
    const act = this.#act;
    this.#requests += 1;
    act.requests += 1;
    act.slowestMs = Math.max(act.slowestMs, durationMs);
    if (failure === undefined) return;
    act.failed += 1;
    this.#causes.set(failure, (this.#causes.get(failure) ?? 0) + 1);
    if (avoidable) this.#avoidable += 1;
  }

  /** A backend's last promotion stays in its status until the next one: seen twice, it is counted once. */
  noteStatus({ backends }: StatusView): void {
    for (const { name, promotion } of backends) {
      if (promotion !== null) this.#promotions.set(`${name} ${promotion.routedMs}`, { backend: name, ...promotion });
    }
  }

  report(after: readonly MetricSample[]): ChaosReport {
    const before = this.#before;
    return {
      requests: this.#requests,
      failed: [...this.#causes.values()].reduce((sum, count) => sum + count, 0),
      avoidable: this.#avoidable,
      acts: [...this.#acts.values()],
      causes: this.#causes,
      repeats: countsBy(after, 'understudy_repeats_total', 'cause'),
      queuedP99Ms: quantileSince('understudy_queue_seconds', 0.99, { before, after }) * 1000,
      promotions: [...this.#promotions.values()],
    };
  }
}
