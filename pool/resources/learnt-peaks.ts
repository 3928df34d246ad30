// What a worker needs at its peak, learnt from those that ran: kept by command line in a file of its own, so that the
// next Understudy knows it before it starts the first one. A file that can't be read or written is no more than a
// lesson lost.
import { readFileSync, renameSync, writeFileSync } from 'node:fs';

export interface Peak {
  readonly ramBytes: number;
  readonly gpuBytes: number;
}

/** Growth below this is not worth a write. */
const WORTH_WRITING = 1.05;

export class LearntPeaks {
  readonly #file: string;
  readonly #key: string;
  readonly #others: Readonly<Record<string, Peak>>;
  #peak: Peak | undefined;
  #written: Peak | undefined;

  constructor(file: string, command: readonly string[]) {
    this.#file = file;
    this.#key = command.join(' ');
    const { [this.#key]: own, ...others } = readPeaks(file);
    this.#others = others;
    this.#peak = this.#written = own;
  }

  /** Undefined before anything was learnt. */
  get peak(): Peak | undefined {
    return this.#peak;
  }

  note({ ramBytes, gpuBytes }: Peak): void {
    const known = this.#peak ?? { ramBytes: 0, gpuBytes: 0 };
    this.#peak = { ramBytes: Math.max(known.ramBytes, ramBytes), gpuBytes: Math.max(known.gpuBytes, gpuBytes) };
    if (isWorthWriting(this.#peak, this.#written)) this.#write(this.#peak);
  }

  #write(peak: Peak): void {
    this.#written = peak;
    try {
      const text = `${JSON.stringify({ ...this.#others, [this.#key]: peak }, null, 2)}\n`;
      // Whole or not at all: a reader never sees half a file.
      writeFileSync(`${this.#file}.new`, text, { mode: 0o600 });
      renameSync(`${this.#file}.new`, this.#file);
    } catch {
      // It will be learnt again.
    }
  }
}

function isWorthWriting(peak: Peak, written: Peak | undefined): boolean {
  if (written === undefined) return true;
  return peak.ramBytes > written.ramBytes * WORTH_WRITING || peak.gpuBytes > written.gpuBytes * WORTH_WRITING;
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
