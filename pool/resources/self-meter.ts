// Our own process, which needs no look at /proc.
import type { Clock } from '../../src/core/clock.js';
import type { ProcessUsage } from '../../src/core/resource-reading.js';

export class SelfMeter {
  readonly #clock: Clock;
  #last: { readonly cpuMs: number; readonly atMs: number } | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  read(): ProcessUsage {
    const { user, system } = process.cpuUsage();
    const now = { cpuMs: (user + system) / 1000, atMs: this.#clock.now() };
    const last = this.#last;
    this.#last = now;
    const known = last !== undefined && now.atMs > last.atMs;
    return {
      cores: known ? (now.cpuMs - last.cpuMs) / (now.atMs - last.atMs) : undefined,
      residentBytes: process.memoryUsage.rss(),
    };
  }
}
