// Whether what is to be remembered can be written, told as that changes: a disk that is full stays so for a while, and is
// tried at every change.
import { errorMessage } from '../src/core/errors.js';
import type { Logger } from '../src/core/log.js';

export class WriteTrouble {
  readonly #log: Logger;
  #lasts = false;

  constructor(log: Logger) {
    this.#log = log;
  }

  /** `message` says what it means, for the first failure of a row. */
  noteFailed(error: unknown, message: string): void {
    if (!this.#lasts) this.#log.error({ reason: errorMessage(error) }, message);
    this.#lasts = true;
  }

  noteWritten(): void {
    if (this.#lasts) this.#log.info({}, 'the state file is written again');
    this.#lasts = false;
  }
}
