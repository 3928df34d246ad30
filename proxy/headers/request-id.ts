// X-Request-Id: the client's own when it is sane, else one of ours: a random prefix of this process and a counter.

import type { Random } from '../../src/core/random.js';

const SANE = /^[A-Za-z0-9._~+/=-]{1,128}$/;

export class RequestIds {
  readonly #prefix: string;
  #counter = 0;

  constructor(random: Random) {
    const start = Math.floor(random() * 36 ** 8);
    this.#prefix = `${start.toString(36).padStart(8, '0')}-`;
  }

  /** Whether what the client sent, if anything, goes on as it is. */
  accepts(given: string | undefined): given is string {
    return given !== undefined && SANE.test(given);
  }

  /** `given` is what the client sent, if anything. */
  next(given: string | undefined): string {
    if (this.accepts(given)) return given;
    this.#counter += 1;
    return this.#prefix + this.#counter.toString(36);
  }
}
