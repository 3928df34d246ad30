// A value as a message shows it: on one line, short, and without what would command a terminal.

import { inspect } from 'node:util';

const LONGEST_SHOWN = 100;

/** Not JSON for all: that has no word for .inf, and throws at what holds itself. */
export function shownValue(value: unknown): string {
  const text =
    typeof value === 'string'
      ? JSON.stringify(value)
      : inspect(value, { depth: 3, breakLength: Infinity, compact: true });
  return withoutControls(text.length <= LONGEST_SHOWN ? text : `${text.slice(0, LONGEST_SHOWN - 1)}…`);
}

/** What commands a terminal, or breaks the line, as the escape that writes it. */
export function withoutControls(text: string): string {
  return text.replace(/\p{C}/gu, (character) => `\\u{${character.codePointAt(0)!.toString(16)}}`);
}
