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
/** Below this share of one core a process counts as idle: probes alone keep it from zero. */
const IDLE_SHARE = 0.01;
const TICKS_PER_MS = 0.1;

export class WorkSigns {
  readonly #options: WorkSignsOptions;
  #answering: { readonly cpuTicks: number; readonly bytesMoved: number };
  #starting: {
    readonly cpuTicks: number;
    readonly residentBytes: number;
    readonly output: string;
    readonly atMs: number;
  };
  #hanging: { readonly cpuTicks: number; readonly bytesMoved: number; readonly atMs: number } | undefined;

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

  /** For how long requests have been in flight without a byte moved or CPU worth the name, in milliseconds. */
  msHanging(): number {
    const traffic = this.#options.traffic();
    const nowMs = this.#options.clock.now();
    if (traffic === undefined || traffic.inflight === 0) {
      this.#hanging = undefined;
      return 0;
    }
    const before = this.#hanging;
    // Looked at only while requests hang, and not at all otherwise: a look at the process is not free.
    const cpuTicks = this.#options.vitals()?.cpuTicks ?? 0;
    const spanMs = nowMs - (before?.atMs ?? nowMs);
    const idle = before !== undefined && cpuTicks - before.cpuTicks <= PROBE_TICKS + spanMs * TICKS_PER_MS * IDLE_SHARE;
    if (before === undefined || !idle || traffic.bytesMoved > before.bytesMoved) {
      this.#hanging = { cpuTicks, bytesMoved: traffic.bytesMoved, atMs: nowMs };
      return 0;
    }
    return Math.min(spanMs, traffic.oldestInflightMs);
  }

  #bytesMoved(): number {
    return this.#options.traffic()?.bytesMoved ?? 0;
  }
}
