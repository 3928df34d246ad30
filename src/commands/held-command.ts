// The command that runs under a lease: our terminal, our environment, our signals. Only starts it and tells its end.

import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { constants as osConstants } from 'node:os';
import { delimiter, join } from 'node:path';
import { execa, type Result } from 'execa';
import { operatorError, type UnderstudyError } from '../core/errors.js';
import { readProcessStat } from '../core/process-stat.js';
import { usageError } from './usage-error.js';

/** A terminal sends these to its whole foreground group, the command included: once is enough. */
const TERMINAL_SIGNALS = ['SIGINT', 'SIGQUIT'] as const;
const OTHER_SIGNALS = ['SIGTERM', 'SIGHUP', 'SIGUSR1', 'SIGUSR2'] as const;

/**
 * @throws UnderstudyError (operator) `usage` for a missing command, `no-such-command` for one that can't be found,
 * `held-command-not-executable` for one that is there and may not be run.
 */
export function requireRunnable(command: readonly string[]): void {
  const [program] = command;
  if (program === undefined || program === '') {
    throw usageError('which command? Write: understudy validate -- COMMAND ...');
  }
  const places = placesOf(program);
  if (places.some(isExecutable)) return;
  // A folder, too, when it is the very one that is named.
  if (places.some(isFile) || (program.includes('/') && existsSync(program))) {
    throw operatorError(
      'held-command-not-executable',
      `Cannot run ${program}: it may not be executed. No lease was taken.`,
    );
  }
  throw operatorError('no-such-command', `Cannot run ${program}: there is no such program. No lease was taken.`);
}

function placesOf(program: string): readonly string[] {
  return program.includes('/') ? [program] : searchPath().map((folder) => join(folder, program));
}

function searchPath(): string[] {
  return (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return isFile(path);
  } catch {
    return false;
  }
}

/**
 * Runs it to its end. Its exit code, or 128 + the number of the signal that ended it, as a shell would say.
 * @throws UnderstudyError (operator) as `requireRunnable` does, for what only the attempt tells.
 */
export async function runHeldCommand([program = '', ...args]: readonly string[]): Promise<number> {
  // No cleanup by execa: it would pass each signal on a second time.
  const child = execa(program, args, { stdio: 'inherit', reject: false, cleanup: false });
  const forward = (signal: NodeJS.Signals) => void child.kill(signal);
  const forwardUnlessHeard = (signal: NodeJS.Signals) => {
    if (!isInForeground()) forward(signal);
  };
  for (const signal of OTHER_SIGNALS) process.on(signal, forward);
  for (const signal of TERMINAL_SIGNALS) process.on(signal, forwardUnlessHeard);
  try {
    const result = await child;
    if (result.exitCode !== undefined) return result.exitCode;
    if (result.signal !== undefined) return exitCodeOfSignal(result.signal);
    throw notStarted(program, result);
  } finally {
    for (const signal of OTHER_SIGNALS) process.off(signal, forward);
    for (const signal of TERMINAL_SIGNALS) process.off(signal, forwardUnlessHeard);
  }
}

/** To the system, a missing interpreter (or loader) is a missing program. */
function notStarted(
  program: string,
  { code, originalMessage }: Pick<Result, 'code' | 'originalMessage'>,
): UnderstudyError {
  if (code !== 'ENOENT')
    return operatorError('held-command-not-executable', `Cannot run ${program}: ${originalMessage ?? code}`);
  const reason = placesOf(program).some(isFile)
    ? "its interpreter is missing: look at its first line, and for a CR at that line's end."
    : 'there is no such program any more.';
  return operatorError('no-such-command', `Cannot run ${program}: ${reason}`);
}

export function exitCodeOfSignal(signal: NodeJS.Signals): number {
  return 128 + osConstants.signals[signal];
}

/** A Ctrl-C reaches our whole group, whatever our input is; without /proc the input is all there is to go by. */
function isInForeground(): boolean {
  const facts = readProcessStat(process.pid);
  return facts === undefined ? process.stdin.isTTY : facts.foregroundGroup === facts.group;
}
