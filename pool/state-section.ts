// One section of the state file, written as it is now and, where that fails, again after a while: a full disk must stop
// nobody. Every change tries anew, so the trouble is logged once as it begins and once as it ends.
import type { Clock, Timer } from '../src/core/clock.js';
import { errorMessage } from '../src/core/errors.js';
import type { Logger } from '../src/core/log.js';
import type { Sections, StateFile } from './state-file.js';

export interface StateSectionDeps<Name extends keyof Sections> {
  readonly name: Name;
  readonly file: Pick<StateFile, 'put'>;
  /** Its content now; undefined while it is not ours to write. */
  readonly content: () => Sections[Name];
  readonly clock: Clock;
  readonly log: Logger;
  readonly retryMs: number;
  /** What a failure means, for the log. */
  readonly trouble: string;
}

export class StateSection<Name extends keyof Sections> {
  readonly #deps: StateSectionDeps<Name>;
  #failing = false;
  #retry: Timer | undefined;

  constructor(deps: StateSectionDeps<Name>) {
    this.#deps = deps;
  }

  /** Never throws. */
  write(): void {
    const { name, file, content, clock, log, retryMs, trouble } = this.#deps;
    this.#retry?.cancel();
    try {
      const now = content();
      if (now === undefined) return;
      file.put(name, now);
      if (this.#failing) log.info({}, 'the state file is written again');
      this.#failing = false;
    } catch (error) {
      if (!this.#failing) log.error({ reason: errorMessage(error) }, trouble);
      this.#failing = true;
      this.#retry = clock.startTimer(retryMs, () => this.write(), { unref: true });
    }
  }

  /** What has failed is not tried again. */
  giveUp(): void {
    this.#retry?.cancel();
  }
}
