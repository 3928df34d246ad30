// Probes one worker again and again, one probe at a time, until stopped. Leaves the judgement to its listener: the
// pause before the next probe is asked for after each result. Nothing is heard of a loop once it is stopped.
import type { Clock, Timer } from '../src/core/clock.js';
import type { ProbeResult } from './worker-runtime.js';

export interface ProbeLoopOptions {
  readonly clock: Clock;
  probe(signal: AbortSignal): Promise<ProbeResult>;
  /** Returns the pause before the next probe, in milliseconds. */
  onResult(result: ProbeResult): number;
}

export class ProbeLoop {
  readonly #options: ProbeLoopOptions;
  readonly #stopped = new AbortController();
  #timer: Timer | undefined;
  #probing = false;
  #again = false;

  constructor(options: ProbeLoopOptions) {
    this.#options = options;
  }

  /** Probes now; if a probe is under way, once more right after it. */
  probeNow(): void {
    if (this.#stopped.signal.aborted) return;
    this.#timer?.cancel();
    if (this.#probing) this.#again = true;
    else void this.#probeOnce();
  }

  stop(): void {
    this.#timer?.cancel();
    this.#stopped.abort();
  }

  async #probeOnce(): Promise<void> {
    this.#probing = true;
    // Whoever asks may be routing traffic in this very turn, and that comes first.
    await Promise.resolve();
    if (this.#isStopped()) return;
    const result = await this.#options.probe(this.#stopped.signal);
    if (this.#isStopped()) return;
    // Still probing for `probeNow`: a listener that asks for a probe must not start a second chain of them.
    const pauseMs = this.#options.onResult(result);
    this.#probing = false;
    if (this.#isStopped()) return;
    const again = this.#again;
    this.#again = false;
    this.#timer = this.#options.clock.startTimer(again ? 0 : pauseMs, () => void this.#probeOnce(), { unref: true });
  }

  #isStopped(): boolean {
    return this.#stopped.signal.aborted;
  }
}
