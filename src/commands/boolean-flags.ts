// Flags that are on or off, and the words that may follow their `=`. Read by ourselves, because to yargs every word but `true`
// means false: `--validation=yes` would switch to production.

import { parseBoolean } from '../config/environment.js';
import { usageError } from './usage-error.js';

/** All of the command line, shorthands included: words are looked at before yargs knows which command is meant. */
const BOOLEAN_FLAGS = new Set([
  ...['validation', 'watch', 'keep-workers', 'json', 'follow', 'wait', 'dry-run', 'force', 'try', 'yes'],
  ...['help', 'version', 'f', 'y'],
]);

/**
 * The arguments with `true` or `false` behind each such flag that has a value; a command's own, behind `--`, are left alone.
 * @throws UnderstudyError `usage` for any other word.
 */
export function normalizeBooleanFlags(args: readonly string[]): readonly string[] {
  const ours = beforeDashes(args);
  return [...ours.map(normalizeFlag), ...args.slice(ours.length)];
}

/**
 * Of a repeated boolean flag yargs keeps the last and tells nobody, so `refuseRepeated` can't see it.
 * @throws UnderstudyError `usage` for a flag that is given twice, or together with its opposite.
 */
export function refuseRepeatedBooleans(args: readonly string[]): void {
  const seen = new Map<string, string>();
  for (const argument of beforeDashes(args)) {
    const [, word = ''] = /^--([A-Za-z-]+)(?:=|$)/s.exec(argument) ?? [];
    const flag = kebabCase(word).replace(/^no-/, '');
    if (!BOOLEAN_FLAGS.has(flag)) continue;
    const before = seen.get(flag);
    if (before === argument) throw usageError(`${argument} is given 2 times; accepted: once.`);
    if (before !== undefined) throw usageError(`${before} and ${argument} are given together; accepted: one of them.`);
    seen.set(flag, argument);
  }
}

/** What comes behind `--` is a command's own. */
function beforeDashes(args: readonly string[]): readonly string[] {
  const dashes = args.indexOf('--');
  return dashes === -1 ? args : args.slice(0, dashes);
}

function normalizeFlag(argument: string): string {
  const match = /^(--?)([A-Za-z-]+)=(.*)$/s.exec(argument);
  if (match === null) return argument;
  const [, dashes = '', name = '', word = ''] = match;
  if (!BOOLEAN_FLAGS.has(kebabCase(name))) return argument;
  const value = parseBoolean(word);
  if (value === undefined)
    throw usageError(`${dashes}${name}: '${word}' is not accepted; accepted: true, false, yes, no, 1, 0.`);
  return `${dashes}${name}=${value}`;
}

/** yargs takes `--dryRun` for `--dry-run`. */
function kebabCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
