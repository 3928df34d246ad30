// Whether a worker hangs: requests that were sent whole wait for the first byte of their answer, and meanwhile not a byte
// moves, no CPU worth the name is used and the GPU rests. Idle streams and WebSockets wait for nothing, so they never count.
import type { Clock } from '../src/core/clock.js';
import type { UpstreamTraffic } from '../src/core/traffic-port.js';
import { hasComputed, type Look } from './computing.js';
import type { Vitals } from './worker-runtime.js';

export interface HangWatchOptions {
  readonly clock: Clock;
  /** Silence for so long is a hang; 0 for never. */
  limitMs(): number;
  /** Undefined when it can't be seen, which is no sign of rest. */
  vitals(): Vitals | undefined;
  traffic(): UpstreamTraffic | undefined;
  /** It has memory on a GPU that computes, for whomever: its requests may wait for that. */
  usesBusyGpu(): boolean;
}

/** The look with which the silence began, except `runnable`, which is the latest look's. */
interface Silence extends Look {
  readonly bytesMoved: number;
}

/** A look at a process group reads all of /proc (milliseconds in which no request is served), so it is not taken often. */
const LOOKS_PER_LIMIT = 30;

export class HangWatch {
  readonly #options: HangWatchOptions;
  #silence: Silence | undefined;
  #lookedAtMs = -Infinity;

  constructor(options: HangWatchOptions) {
    this.#options = options;
  }

  /** For how long it has hung, if that is beyond the limit. To be asked again and again. */
  findHang(): number | undefined {
    const { clock } = this.#options;
    const limitMs = this.#options.limitMs();
    const traffic = limitMs > 0 ? this.#options.traffic() : undefined;
    const lookEveryMs = limitMs / LOOKS_PER_LIMIT;
    if (traffic === undefined || traffic.oldestWaitingMs < lookEveryMs) return this.#forget();
    if (traffic.bytesMoved !== this.#silence?.bytesMoved) this.#forget();
    const nowMs = clock.now();
    if (nowMs - this.#lookedAtMs < lookEveryMs) return undefined;
    this.#lookedAtMs = nowMs;
    this.#look(traffic, nowMs);
    const hungMs = Math.min(nowMs - (this.#silence?.atMs ?? nowMs), traffic.oldestWaitingMs);
    return hungMs >= limitMs ? hungMs : undefined;
  }

  #forget(): undefined {
    this.#silence = undefined;
  }

  #look({ bytesMoved, requests }: UpstreamTraffic, nowMs: number): void {
    const before = this.#silence;
    const vitals = this.#options.vitals();
    if (vitals === undefined) return this.#forget();
    const { cpuTicks, runnable } = vitals;
    const began = { atMs: nowMs, cpuTicks, runnable, requests, bytesMoved };
    const works = before !== undefined && (hasComputed(before, began) || this.#options.usesBusyGpu());
    this.#silence = before === undefined || works ? began : { ...before, runnable };
  }
}
