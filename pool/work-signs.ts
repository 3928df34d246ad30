// Signs that a worker works although it does not answer: CPU burnt by its process group, bytes moved by traffic,
// memory or output that grows. Each look compares with the one before.
import type { Clock } from '../src/core/clock.js';
import type { UpstreamTraffic } from '../src/core/traffic-port.js';
import type { ProbeResult, Vitals } from './worker-runtime.js';

export interface WorkSignsOptions {
  readonly clock: Clock;
  vitals(): Vitals | undefined;
  traffic(): UpstreamTraffic | undefined;
}

/** Loading a model grows memory by far more between two looks; the allocator's noise stays below. */
const GROWTH_BYTES = 1024 * 1024;
/** Answering our own probes costs a tick or two; real work costs more. Ticks are 10 ms. */
const PROBE_TICKS = 2;

interface Look {
  readonly vitals: Vitals | undefined;
  readonly bytesMoved: number;
}

export class WorkSigns {
  readonly #options: WorkSignsOptions;
  #before: Look | undefined;
  #progressAtMs: number;
  #outputBefore = '';

  constructor(options: WorkSignsOptions) {
    this.#options = options;
    this.#progressAtMs = options.clock.now();
  }

  /** Whether it burnt CPU or moved bytes since the last look. A stopped process does not work, whatever it did before. */
  isWorking(): boolean {
    const before = this.#before;
    const now = this.#look();
    if (now.vitals?.stopped === true) return false;
    const ticks = (now.vitals?.cpuTicks ?? 0) - (before?.vitals?.cpuTicks ?? 0);
    return ticks > PROBE_TICKS || now.bytesMoved > (before?.bytesMoved ?? 0);
  }

  /**
   * How long a start has shown no progress. An app that already answers (with a 503, say) logs each of our probes,
   * so its output proves nothing then.
   */
  msWithoutProgress(output: string, result: ProbeResult): number {
    const before = this.#before?.vitals;
    const { vitals } = this.#look();
    const grown = (vitals?.residentBytes ?? 0) - (before?.residentBytes ?? 0) > GROWTH_BYTES;
    const burnt = (vitals?.cpuTicks ?? 0) - (before?.cpuTicks ?? 0) > PROBE_TICKS;
    const spoke = result.kind !== 'bad-status' && output !== this.#outputBefore;
    this.#outputBefore = output;
    const now = this.#options.clock.now();
    if (grown || burnt || spoke) this.#progressAtMs = now;
    return now - this.#progressAtMs;
  }

  #look(): Look {
    const look = { vitals: this.#options.vitals(), bytesMoved: this.#options.traffic()?.bytesMoved ?? 0 };
    this.#before = look;
    return look;
  }
}
