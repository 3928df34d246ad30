// One instance a runtime folder: a pid file names the owner, so that a second start can say who is there.
// The front port is the real guard; this only turns the clash into a message with a pid.

import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { errorCode, errorMessage, UnderstudyError } from './core/errors.js';

export interface InstanceLock {
  /** Idempotent. */
  release(): void;
}

/** @throws UnderstudyError `already-running` (names the pid) or `runtime-dir` (cannot be used, and why). */
export function acquireInstanceLock(runtimeDir: string): InstanceLock {
  const path = join(runtimeDir, 'understudy.pid');
  try {
    mkdirSync(runtimeDir, { recursive: true, mode: 0o700 });
    claim(path, runtimeDir);
  } catch (error) {
    if (error instanceof UnderstudyError) throw error;
    throw new UnderstudyError(`Cannot use the runtime folder ${runtimeDir}: ${errorMessage(error)}`, {
      code: 'runtime-dir',
      source: 'operator',
      cause: error,
    });
  }
  return { release: () => releaseIfOurs(path) };
}

function claim(path: string, runtimeDir: string): void {
  try {
    writeFileSync(path, `${process.pid}\n`, { flag: 'wx', mode: 0o600 });
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error;
    const owner = readOwner(path);
    if (owner !== undefined && isUnderstudy(owner)) throw alreadyRunning(owner, runtimeDir);
    writeFileSync(path, `${process.pid}\n`, { mode: 0o600 });
  }
}

function readOwner(path: string): number | undefined {
  const pid = Number.parseInt(readFileSync(path, 'utf8'), 10);
  return Number.isInteger(pid) && pid > 0 && pid !== process.pid ? pid : undefined;
}

/** A pid may have been reused by a stranger since; only a Node process with our entry point counts. */
function isUnderstudy(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('cli.js');
  } catch {
    return false;
  }
}

function alreadyRunning(pid: number, runtimeDir: string): UnderstudyError {
  return new UnderstudyError(
    `Cannot start: another instance (pid ${pid}) uses ${runtimeDir}. Stop it with 'understudy stop', or give this one another --port.`,
    { code: 'already-running', source: 'operator' },
  );
}

function releaseIfOurs(path: string): void {
  try {
    if (Number.parseInt(readFileSync(path, 'utf8'), 10) === process.pid) rmSync(path, { force: true });
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
  }
}
