// What a sample costs our own process. Other threads run meanwhile and can only add to what is measured, so the least of the
// last samples is the estimate.
import { nextTurn } from '../../src/core/clock.js';

const SAMPLES = 15;

/** The CPU time of one sample, without its rests. */
export class SampleCost {
  #spentMs = 0;
  #since = process.cpuUsage();

  /** Lets requests have their turn: the sample stands still for one turn of the event loop. */
  async rest(): Promise<void> {
    this.#stop();
    await nextTurn();
    this.#since = process.cpuUsage();
  }

  /** In milliseconds. */
  end(): number {
    this.#stop();
    return this.#spentMs;
  }

  #stop(): void {
    const { user, system } = process.cpuUsage(this.#since);
    this.#spentMs += (user + system) / 1000;
  }
}

export class CostMeter {
  #lastMs: number[] = [];

  /** The estimate in milliseconds, this sample included. */
  note(costMs: number): number {
    this.#lastMs = [...this.#lastMs, costMs].slice(-SAMPLES);
    return Math.min(...this.#lastMs);
  }
}
