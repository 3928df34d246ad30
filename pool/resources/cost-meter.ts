// What a sample costs our own process. Other work of the process runs between its awaits and can only add to what is
// measured, so the least of the last samples is the estimate.

const SAMPLES = 15;

export class CostMeter {
  #lastMs: number[] = [];

  begin(): NodeJS.CpuUsage {
    return process.cpuUsage();
  }

  /** The estimate in milliseconds, this sample included. */
  end(begun: NodeJS.CpuUsage): number {
    const { user, system } = process.cpuUsage(begun);
    this.#lastMs = [...this.#lastMs, (user + system) / 1000].slice(-SAMPLES);
    return Math.min(...this.#lastMs);
  }
}
