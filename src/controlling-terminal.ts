// Tells a SIGHUP that the kernel sends because our terminal is gone from one that somebody sends to have the config
// read again: after the first there is no terminal left to open.

import { closeSync, openSync } from 'node:fs';

const PATH = '/dev/tty';

export class ControllingTerminal {
  readonly #had: boolean;

  constructor() {
    this.#had = canOpen();
  }

  /** We had one, and it has gone. */
  isGone(): boolean {
    return this.#had && !canOpen();
  }
}

function canOpen(): boolean {
  try {
    closeSync(openSync(PATH, 'r'));
    return true;
  } catch {
    return false;
  }
}
