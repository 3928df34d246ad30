// What a worker needs at its peak, learnt from the last ones that were started; what earlier Understudies knew counts as one of
// them. Kept by command line in a file of its own, so that the next Understudy knows it before it
// starts the first one. A file that can't be read or written is no more than a lesson lost.
import { readFileSync } from 'node:fs';
import { replaceFile } from '../../src/core/replace-file.js';

export interface Peak {
  readonly ramBytes: number;
  readonly gpuBytes: number;
}

/** A change below this is not worth a write. */
const WORTH_WRITING = 1.05;
/** What counts is the highest peak of so many processes. */
const PROCESSES = 8;
/** Stands for those of earlier Understudies. */
const EARLIER = 0;

export class LearntPeaks {
  readonly #file: string;
  readonly #key: string;
  readonly #others: Readonly<Record<string, Peak>>;
  /** By pid, in the order in which they were first seen. */
  readonly #peaks = new Map<number, Peak>();
  #peak: Peak | undefined;
  #written: Peak | undefined;

  constructor(file: string, command: readonly string[]) {
    this.#file = file;
    this.#key = command.join(' ');
    const { [this.#key]: own, ...others } = readPeaks(file);
    this.#others = others;
    this.#peak = this.#written = own;
    if (own !== undefined) this.#peaks.set(EARLIER, own);
  }

  /** Undefined before anything was learnt. */
  get peak(): Peak | undefined {
    return this.#peak;
  }

  note(pid: number, peak: Peak): void {
    this.#peaks.set(pid, highest([this.#peaks.get(pid) ?? peak, peak]));
    const [oldest = EARLIER] = this.#peaks.keys();
    if (this.#peaks.size > PROCESSES) this.#peaks.delete(oldest);
    this.#peak = highest([...this.#peaks.values()]);
    if (isWorthWriting(this.#peak, this.#written)) this.#write(this.#peak);
  }

  #write(peak: Peak): void {
    this.#written = peak;
    try {
      replaceFile(this.#file, `${JSON.stringify({ ...this.#others, [this.#key]: peak }, null, 2)}\n`);
    } catch {
      // It will be learnt again.
    }
  }
}

function highest(peaks: readonly Peak[]): Peak {
  const ramBytes = Math.max(...peaks.map((peak) => peak.ramBytes));
  const gpuBytes = Math.max(...peaks.map((peak) => peak.gpuBytes));
  return { ramBytes, gpuBytes };
}

function isWorthWriting(peak: Peak, written: Peak | undefined): boolean {
  if (written === undefined) return true;
  const differ = (one: number, other: number) => Math.max(one, other) > Math.min(one, other) * WORTH_WRITING;
  return differ(peak.ramBytes, written.ramBytes) || differ(peak.gpuBytes, written.gpuBytes);
}

function readPeaks(file: string): Readonly<Record<string, Peak>> {
  try {
    const parsed = JSON.parse(readFileSync(file, 'utf8')) as Record<string, Partial<Peak> | null>;
    const entries = Object.entries(parsed).filter((entry): entry is [string, Peak] => {
      const { ramBytes, gpuBytes } = entry[1] ?? {};
      return Number.isFinite(ramBytes) && Number.isFinite(gpuBytes);
    });
    return Object.fromEntries(entries);
  } catch {
    return {};
  }
}
