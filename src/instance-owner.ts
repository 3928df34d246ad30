// Who has a runtime folder: the process that its pid file names. Only reads; src/instance-lock.ts takes and releases.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { hasEnded, readProcessStat } from './core/process-stat.js';

export const PID_FILE_NAME = 'understudy.pid';

export interface Owner {
  readonly pid: number;
  /** A pid is given to a stranger sooner or later; together with this it names one process. */
  readonly startTicks: number | undefined;
}

/** @throws the system's error, such as ENOENT. */
export function readOwner(pidFile: string): Owner {
  const [pid = Number.NaN, startTicks] = readFileSync(pidFile, 'utf8').trim().split(' ').map(Number);
  return { pid, startTicks };
}

export function isAlive({ pid, startTicks }: Owner): boolean {
  const facts = readProcessStat(pid);
  return facts !== undefined && !hasEnded(facts) && facts.startTicks === startTicks;
}

/** The pid of the living process that has the folder; undefined where none is named, or it can't be read. */
export function livingOwner(runtimeDir: string): number | undefined {
  try {
    const owner = readOwner(join(runtimeDir, PID_FILE_NAME));
    return isAlive(owner) ? owner.pid : undefined;
  } catch {
    return undefined;
  }
}
