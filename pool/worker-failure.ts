// The errors that a worker can end with: what happened, where, what it last said, and what to do about it.
import { existsSync } from 'node:fs';
import { operatorError, UnderstudyError } from '../src/core/errors.js';
import type { ExitReport, LaunchSpec } from './worker-runtime.js';

/** @returns an `operator` error when the program could not be run or never got ready, else an `upstream` one. */
export function exitFailure(
  spec: LaunchSpec,
  exit: {
    readonly report: ExitReport;
    readonly wasReady: boolean;
    readonly pid: number | undefined;
    readonly output: string;
  },
): UnderstudyError {
  const { report, wasReady, pid, output } = exit;
  if (report.spawnErrorCode !== undefined) return spawnFailure(spec, report.spawnErrorCode);
  const how = report.signal === undefined ? `with code ${report.code ?? 'unknown'}` : `by ${report.signal}`;
  if (wasReady) {
    return new UnderstudyError(`${spec.id} (pid ${pid}) ended ${how}.${quote(output)}`, {
      code: 'worker-exited',
      source: 'upstream',
    });
  }
  const message = `Cannot start ${spec.id}: its process ended ${how} before it was ready. Command: ${spec.command.join(' ')}.`;
  return operatorError('worker-exited-at-start', `${message}${quote(output)}`);
}

/** How a process ended, in a few words. */
export function describeExit({ code, signal, spawnErrorCode }: ExitReport): string {
  if (spawnErrorCode !== undefined) return `it could not be run (${spawnErrorCode})`;
  return signal === undefined ? `exit code ${code ?? 'unknown'}` : `ended by ${signal}`;
}

function spawnFailure(spec: LaunchSpec, code: string): UnderstudyError {
  const program = spec.command[0] ?? '';
  if (!existsSync(spec.cwd)) {
    return operatorError('cwd-not-found', `Cannot start ${spec.id}: the directory ${spec.cwd} does not exist.`);
  }
  if (code === 'ENOENT') {
    const hint = 'Give a program on the PATH, or a path that exists.';
    return operatorError(
      'command-not-found',
      `Cannot start ${spec.id}: the command "${program}" was not found. ${hint}`,
    );
  }
  if (code === 'EACCES') {
    return operatorError('command-not-executable', `Cannot start ${spec.id}: "${program}" may not be executed.`);
  }
  return operatorError('spawn-failed', `Cannot start ${spec.id}: running "${program}" failed with ${code}.`);
}

export function portInUse(id: string, where: string, holder: string): UnderstudyError {
  const hint = 'Stop it, or give the backend another port.';
  return operatorError('port-in-use', `Cannot start ${id}: ${where} is held by ${holder}. ${hint}`);
}

export function startTimeout(
  id: string,
  facts: { seconds: number; evidence: string; output: string },
): UnderstudyError {
  const message = `Cannot start ${id}: not ready, and no progress for ${facts.seconds} s; its health path ${facts.evidence}.`;
  return operatorError('start-timeout', `${message}${quote(facts.output)}`);
}

export function notAsleep(id: string, evidence: string): UnderstudyError {
  return operatorError('sleep-failed', `Cannot put ${id} to sleep: ${evidence}.`);
}

export function notAwake(id: string, evidence: string): UnderstudyError {
  return new UnderstudyError(`${id} did not wake: ${evidence}.`, { code: 'wake-failed', source: 'upstream' });
}

export function notEnded(id: string, pid: number | undefined, why: 'refused' | 'undying'): UnderstudyError {
  if (why === 'undying') {
    const message = `Cannot stop ${id}: process ${pid} does not end on SIGKILL. It hangs in a driver or a file system.`;
    return operatorError('worker-undying', `${message} Until it ends it holds its memory, and maybe its port.`);
  }
  const hint = 'It lives on, and holds its port until somebody who may ends it.';
  const message = `Cannot stop ${id}: process ${pid} runs as another user, so that we may not signal it. ${hint}`;
  return operatorError('worker-not-signalled', message);
}

export function wedged(id: string, evidence: string): UnderstudyError {
  return new UnderstudyError(`${id} is wedged: ${evidence}.`, { code: 'worker-wedged', source: 'upstream' });
}

function quote(output: string): string {
  return output === '' ? ' It wrote nothing.' : ` Last lines of its output:\n${output}`;
}
