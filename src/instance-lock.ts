// One instance a runtime folder: a pid file names the owner, so that a second start can say who is there.
// The front port is the real guard; this only turns the clash into a message with a pid.

import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { errorCode, operatorError, UnderstudyError } from './core/errors.js';
import { readProcessStat } from './core/process-stat.js';
import { replaceFile } from './core/replace-file.js';
import { ensureRuntimeFolder, unusable } from './instance-folders.js';
import { isAlive, PID_FILE_NAME, readOwner } from './instance-owner.js';

export interface InstanceLock {
  /** Its file is there, and names us. */
  readonly held: boolean;
  /**
   * Names that living process as the one that has it, which takes it then as its own: nobody finds it free in between.
   * @throws the system's error.
   */
  passTo(pid: number): void;
  /** Idempotent. */
  release(): void;
}

/** @throws UnderstudyError `already-running` (names the pid) or `runtime-dir` (cannot be used, and why). */
export function acquireInstanceLock(runtimeDir: string): InstanceLock {
  const path = join(runtimeDir, PID_FILE_NAME);
  ensureRuntimeFolder(runtimeDir);
  try {
    claim(path, runtimeDir);
  } catch (error) {
    if (error instanceof UnderstudyError) throw error;
    throw unusable({ key: 'runtimeDir', path: runtimeDir, code: 'runtime-dir' }, error);
  }
  return {
    get held() {
      return isOurs(path);
    },
    passTo: (pid) => {
      if (isOurs(path)) replaceFile(path, entryOf(pid));
    },
    release: () => {
      if (isOurs(path)) rmSync(path, { force: true });
    },
  };
}

function claim(path: string, runtimeDir: string): void {
  try {
    writeFileSync(path, entryOf(process.pid), { flag: 'wx', mode: 0o600 });
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error;
    const owner = readOwner(path);
    if (owner.pid !== process.pid && isAlive(owner)) throw alreadyRunning(owner.pid, runtimeDir);
    replaceFile(path, entryOf(process.pid));
  }
}

function entryOf(pid: number): string {
  return `${pid} ${readProcessStat(pid)?.startTicks ?? ''}\n`;
}

function alreadyRunning(pid: number, runtimeDir: string): UnderstudyError {
  return operatorError(
    'already-running',
    `Cannot start: another instance (pid ${pid}) uses ${runtimeDir}. Stop it with 'understudy stop', or give this one another --port.`,
  );
}

function isOurs(path: string): boolean {
  try {
    return readOwner(path).pid === process.pid;
  } catch {
    // What can't be read tells nobody of us.
    return false;
  }
}
