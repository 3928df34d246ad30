// Words on the command line that no command takes. Said before anything starts: `run module:app` would start the demo instead.

import { usageError } from './usage-error.js';

export interface Words {
  readonly _: readonly (string | number)[];
  readonly '--'?: readonly (string | number)[];
}

const TAKES_APP = new Set(['run', 'doctor', 'chaos']);
/** The flag `--validation` alone may start an instance, as `run` does. */
const TAKES_COMMAND = new Set([...TAKES_APP, 'validate', undefined]);

/** @throws UnderstudyError `usage` for the first word that would be ignored. */
export function refuseStrayWords({ _: words, '--': command = [] }: Words): void {
  const [verb, stray] = words.map(String);
  if (!TAKES_COMMAND.has(verb)) {
    if (command.length > 0) throw usageError(`${verb} takes no command: nothing may follow --, such as ${command[0]}.`);
    return;
  }
  if (stray === undefined) return;
  const line = words.slice(1).join(' ');
  const asCommand = `-- ${line}${command.length > 0 ? ` ${command.join(' ')}` : ''}`;
  const meant = TAKES_APP.has(verb!) && isApp(stray) ? `--app ${stray}, or ${asCommand}` : asCommand;
  throw usageError(`unknown argument ${stray}; did you mean: understudy ${verb} ${meant}?`);
}

function isApp(word: string): boolean {
  return /^[\w.]+:[\w.]+$/.test(word);
}

/** @throws UnderstudyError `usage` for a flag that is given twice: which one counts nobody could tell. */
export function refuseRepeated(argv: Readonly<Record<string, unknown>>): void {
  for (const [flag, value] of Object.entries(argv)) {
    if (flag === '_' || flag === '--' || !Array.isArray(value)) continue;
    throw usageError(`--${flag} is given ${value.length} times; accepted: once.`);
  }
}
