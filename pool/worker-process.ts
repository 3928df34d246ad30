// A worker as a real child: no shell, a process group of its own, output to a file. Leaves when to stop it to others.
// The group is what is signalled, always: a server that forked must not leave its children behind.
import { closeSync } from 'node:fs';
import { execa } from 'execa';
import { errorCode } from '../src/core/errors.js';
import { ExitNews } from './exit-news.js';
import { openWorkerLog } from './worker-log.js';
import type { LaunchSpec, WorkerProcess } from './worker-runtime.js';

/** What whoever forked it can tell of it and do to it. */
export type ForkedProcess = Pick<WorkerProcess, 'pid' | 'onExit' | 'signalGroup'>;

export function launchWorkerProcess(spec: LaunchSpec): ForkedProcess {
  // execa takes any descriptor, though its types know those up to 9 only.
  const output = openWorkerLog(spec.logFile) as 9;
  const [program = '', ...args] = spec.command;
  const child = execa(program, args, {
    cwd: spec.cwd,
    env: { ...spec.env },
    stdin: 'ignore',
    stdout: output,
    stderr: output,
    // Its own group, which outlives us: a restarted Understudy adopts it.
    detached: true,
    cleanup: false,
    reject: false,
    shell: false,
  });
  closeSync(output);
  const { pid } = child;
  const exit = new ExitNews();
  // The child's own event, not execa's promise: the event comes a turn of the loop earlier.
  child.on('exit', (code, signal) => {
    if (pid !== undefined) endRemains(pid);
    exit.publish({ code: code ?? undefined, signal: signal ?? undefined });
  });
  void child.then((result) => {
    if (pid !== undefined) return;
    exit.publish({ code: undefined, signal: undefined, spawnErrorCode: errorCode(result) ?? 'an unknown error' });
  });
  return {
    pid,
    onExit: (listener) => exit.subscribe(listener),
    signalGroup: (signal) => pid !== undefined && signalGroup(pid, signal),
  };
}

/** What a leader leaves behind in its group would hold the port against its successor. */
export function endRemains(group: number): void {
  try {
    signalGroup(group, 'SIGKILL');
  } catch {
    // It runs as another user (through sudo, say): it is not ours to end, and must not end us.
  }
}

/**
 * False when nobody of the group is left.
 * @throws Error when we may signal none of it (EPERM).
 */
export function signalGroup(group: number, signal: NodeJS.Signals): boolean {
  try {
    process.kill(-group, signal);
    return true;
  } catch (error) {
    if (errorCode(error) === 'ESRCH') return false;
    throw error;
  }
}
