// The exit codes that scripts rely on, and how an error becomes one: a message on stderr, never a stack.

import { errorCode, errorMessage, UnderstudyError } from '../core/errors.js';

/** The last two are what shells say. */
export const EXIT = {
  done: 0,
  failed: 1,
  usage: 2,
  noInstance: 3,
  commandNotExecutable: 126,
  commandNotFound: 127,
} as const;

const USAGE_CODES = new Set(['config-invalid', 'usage', 'unknown-mode', 'unknown-backend']);

/** The exit code for anything a command threw. */
export function exitCodeOf(error: unknown): number {
  const code = errorCode(error);
  if (code === 'no-instance') return EXIT.noInstance;
  if (code === 'no-such-command') return EXIT.commandNotFound;
  if (code === 'held-command-not-executable') return EXIT.commandNotExecutable;
  if (code !== undefined && USAGE_CODES.has(code)) return EXIT.usage;
  return EXIT.failed;
}

/** The text for stderr: an UnderstudyError speaks for itself; anything else is named a defect of ours. */
export function describeError(error: unknown): string {
  if (error instanceof UnderstudyError) return `understudy: ${error.message}`;
  const code = errorCode(error);
  return `understudy: unexpected error${code === undefined ? '' : ` (${code})`}: ${errorMessage(error)}`;
}
