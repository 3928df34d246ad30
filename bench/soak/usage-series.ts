// Memory and descriptors of a process over time, and whether they grow.

import { openDescriptors, residentKiB } from '../support/process-usage.js';
import { median } from '../support/statistics.js';

export interface Usage {
  readonly residentMiB: number;
  readonly descriptors: number;
}

const SAMPLE_EVERY_MS = 1_000;
/** Beyond this a later quarter is above an earlier one by more than a heap breathes. */
const GROWTH_ALLOWED = 1.15;
const DESCRIPTORS_ALLOWED = 16;

export class UsageSeries {
  readonly #pid: number;
  readonly #samples: Usage[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(pid: number) {
    this.#pid = pid;
  }

  begin(): void {
    this.#timer = setInterval(() => this.#sample(), SAMPLE_EVERY_MS);
  }

  /** Idempotent. */
  end(): void {
    clearInterval(this.#timer);
  }

  /** The median of each quarter of the time. */
  quarters(pick: (usage: Usage) => number): Readonly<Record<'first' | 'second' | 'third' | 'last', number>> {
    const of = (quarter: number) => {
      const [from, to] = [quarter, quarter + 1].map((edge) => Math.floor((edge / 4) * this.#samples.length));
      return Math.round(median(this.#samples.slice(from, to).map(pick)) * 10) / 10;
    };
    return { first: of(0), second: of(1), third: of(2), last: of(3) };
  }

  /** The first quarter is left out: code is compiled, buffers find their size. */
  get isFlat(): boolean {
    const memory = this.quarters(({ residentMiB }) => residentMiB);
    const descriptors = this.quarters((usage) => usage.descriptors);
    return (
      memory.last <= memory.second * GROWTH_ALLOWED && descriptors.last <= descriptors.second + DESCRIPTORS_ALLOWED
    );
  }

  #sample(): void {
    this.#samples.push({
      residentMiB: residentKiB(this.#pid) / 1024,
      descriptors: openDescriptors(this.#pid),
    });
  }
}
