// Whether an instance's process is still there. One that has ended but was not collected by its parent is not, and neither
// is a stranger that was given its pid since. Where there is no /proc the pid is all there is to go by.

import { errorCode } from '../core/errors.js';
import { hasEnded, readProcessStat, type ProcessFacts } from '../core/process-stat.js';

export class InstanceProcess {
  readonly pid: number;
  readonly #procFolder: string;
  readonly #startTicks: number | undefined;

  /** To be made while the process is known to live: who has the pid now is whom it means. */
  constructor(pid: number, procFolder = '/proc') {
    this.pid = pid;
    this.#procFolder = procFolder;
    this.#startTicks = this.#read()?.startTicks;
  }

  get gone(): boolean {
    const facts = this.#read();
    if (facts === undefined) return !takesSignals(this.pid);
    return hasEnded(facts) || facts.state === 'X' || facts.startTicks !== this.#startTicks;
  }

  #read(): ProcessFacts | undefined {
    return readProcessStat(this.pid, this.#procFolder);
  }
}

function takesSignals(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errorCode(error) === 'EPERM';
  }
}
