// Signs that a worker works although it does not answer: CPU burnt by its process group, bytes moved by traffic,
// memory or output that grows. Each kind of question compares with its own last look.
import type { Clock } from '../src/core/clock.js';
import type { UpstreamTraffic } from '../src/core/traffic-port.js';
import type { Vitals } from './worker-runtime.js';

export interface WorkSignsOptions {
  readonly clock: Clock;
  vitals(): Vitals | undefined;
  traffic(): UpstreamTraffic | undefined;
}

/** Loading a model grows memory by far more between two looks; an allocator's noise stays below. */
const GROWTH_BYTES = 1024 * 1024;
/** Being probed costs a tick or two. A tick is 10 ms. */
const PROBE_TICKS = 2;

export class WorkSigns {
  readonly #options: WorkSignsOptions;
  #answering: { readonly cpuTicks: number; readonly bytesMoved: number };
  #starting: {
    readonly cpuTicks: number;
    readonly residentBytes: number;
    readonly output: string;
    readonly atMs: number;
  };

  constructor(options: WorkSignsOptions) {
    this.#options = options;
    this.#answering = { cpuTicks: 0, bytesMoved: 0 };
    this.#starting = { cpuTicks: 0, residentBytes: 0, output: '', atMs: options.clock.now() };
  }

  /** Whether it burnt CPU or moved bytes since this was last asked, or would if the machine let it. A stopped process does not work. */
  isWorking(): boolean {
    const vitals = this.#options.vitals();
    const now = { cpuTicks: vitals?.cpuTicks ?? 0, bytesMoved: this.#bytesMoved() };
    const before = this.#answering;
    this.#answering = now;
    if (vitals?.stopped === true) return false;
    // On an overloaded machine a process that wants to work may get next to no CPU for seconds.
    if (vitals?.runnable === true) return true;
    return now.cpuTicks - before.cpuTicks > PROBE_TICKS || now.bytesMoved > before.bytesMoved;
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

  #bytesMoved(): number {
    return this.#options.traffic()?.bytesMoved ?? 0;
  }
}
