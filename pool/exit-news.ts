// The end of a process as news: told once to each listener, to those who come late too, in the turn it is learnt.
import type { ExitReport } from './worker-runtime.js';

export class ExitNews {
  #report: ExitReport | undefined;
  readonly #listeners: ((report: ExitReport) => void)[] = [];

  publish(report: ExitReport): void {
    if (this.#report !== undefined) return;
    this.#report = report;
    for (const listener of this.#listeners) listener(report);
  }

  subscribe(listener: (report: ExitReport) => void): void {
    if (this.#report !== undefined) listener(this.#report);
    else this.#listeners.push(listener);
  }
}
