// Signs that a worker works although it does not answer: CPU burnt by its process group, answers that traffic gets from
// it, memory or output that grows. Each kind of question compares with its own last look.
import type { Clock } from '../src/core/clock.js';
import type { UpstreamTraffic } from '../src/core/traffic-port.js';
import { hasComputed, PROBE_TICKS, type Look } from './computing.js';
import type { Vitals } from './worker-runtime.js';

export interface WorkSignsOptions {
  readonly clock: Clock;
  vitals(): Vitals | undefined;
  traffic(): UpstreamTraffic | undefined;
  /** It has memory on a GPU that computes, for whomever: its answer may wait for that. */
  usesBusyGpu(): boolean;
}

/** A look at a worker that keeps a probe waiting. */
interface Silence extends Look {
  readonly bytesMoved: number;
  /** Requests that ended, but for those that failed. */
  readonly answered: number;
}

/** Loading a model grows memory by far more between two looks; an allocator's noise stays below. */
const GROWTH_BYTES = 1024 * 1024;

export class WorkSigns {
  readonly #options: WorkSignsOptions;
  #silence: Silence | undefined;
  #starting: {
    readonly cpuTicks: number;
    readonly residentBytes: number;
    readonly output: string;
    readonly atMs: number;
  };

  constructor(options: WorkSignsOptions) {
    this.#options = options;
    this.#starting = { cpuTicks: 0, residentBytes: 0, output: '', atMs: options.clock.now() };
  }

  /** A probe is waiting for its answer. If it fails, work is looked for since this moment, or since the last silent probe. */
  noteSilence(): void {
    this.#silence ??= this.#look(this.#options.vitals());
  }

  /** The CPU that it used before an answer says nothing about the next silence. */
  noteAnswer(): void {
    this.#silence = undefined;
  }

  /**
   * Whether it has computed or answered anybody since this was last asked, or since its silence was noted. Being kept from
   * computing by a busy machine counts as well. A stopped process does not work.
   */
  isWorking(): boolean {
    const vitals = this.#options.vitals();
    const before = this.#silence;
    const now = this.#look(vitals);
    this.#silence = now;
    if (vitals?.stopped === true) return false;
    // Nothing to compare with: taken for working.
    if (before === undefined) return true;
    return hasComputed(before, now) || hasAnswered(before, now) || this.#options.usesBusyGpu();
  }

  /**
   * For how long a start has shown no progress, in milliseconds. Once an app answers (with a 503, say) it may log each
   * of our probes, so its output proves nothing any more.
   */
  msWithoutProgress({ output, answers }: { readonly output: string; readonly answers: boolean }): number {
    const nowMs = this.#options.clock.now();
    const { cpuTicks = 0, residentBytes = 0 } = this.#options.vitals() ?? {};
    const before = this.#starting;
    const grown = residentBytes - before.residentBytes > GROWTH_BYTES;
    const burnt = cpuTicks - before.cpuTicks > PROBE_TICKS;
    const spoke = !answers && output !== before.output;
    if (grown || burnt || spoke) this.#starting = { cpuTicks, residentBytes, output, atMs: nowMs };
    return nowMs - this.#starting.atMs;
  }

  /** The start could not be looked at: its time without progress begins anew. */
  noteUnseen(): void {
    this.#starting = { ...this.#starting, atMs: this.#options.clock.now() };
  }

  #look({ cpuTicks = 0, runnable = false }: Partial<Vitals> = {}): Silence {
    const { requests = 0, inflight = 0, failures = 0, bytesMoved = 0 } = this.#options.traffic() ?? {};
    const answered = requests - inflight - failures;
    return { atMs: this.#options.clock.now(), cpuTicks, runnable, requests, bytesMoved, answered };
  }
}

/** Bytes also go to a worker that only accepts requests: if new ones came in, only an answer proves anything. */
function hasAnswered(before: Silence, now: Silence): boolean {
  if (now.bytesMoved <= before.bytesMoved) return false;
  return now.requests === before.requests || now.answered > before.answered;
}
