// Whether an instance's process is still there. One that has ended but was not collected by its parent is not, and neither
// is a stranger that was given its pid since. Where there is no /proc the pid is all there is to go by.

import { readFileSync } from 'node:fs';
import { errorCode } from '../core/errors.js';

interface ProcessFacts {
  /** One letter; Z: it has ended, X: it is going for good. */
  readonly state: string;
  /** With the pid it names one process for as long as the machine is up. */
  readonly startTicks: string;
}

export class InstanceProcess {
  readonly pid: number;
  readonly #procFolder: string;
  readonly #startTicks: string | undefined;

  /** To be made while the process is known to live: who has the pid now is whom it means. */
  constructor(pid: number, procFolder = '/proc') {
    this.pid = pid;
    this.#procFolder = procFolder;
    this.#startTicks = this.#read()?.startTicks;
  }

  get gone(): boolean {
    const facts = this.#read();
    if (facts === undefined) return !takesSignals(this.pid);
    return facts.state === 'Z' || facts.state === 'X' || facts.startTicks !== this.#startTicks;
  }

  /** proc_pid_stat(5): the name, in parentheses, may hold anything; the state is field 3, the start time field 22. */
  #read(): ProcessFacts | undefined {
    try {
      const stat = readFileSync(`${this.#procFolder}/${this.pid}/stat`, 'latin1');
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return { state: fields[0] ?? '', startTicks: fields[19] ?? '' };
    } catch {
      return undefined;
    }
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
