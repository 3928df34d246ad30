// Where a command writes, and a status line that is redrawn on a terminal and left out of pipes.

import type { Writable } from 'node:stream';
import { unblock } from '../core/unblock.js';

export interface Terminal {
  readonly stdout: Writable & {
    readonly isTTY?: boolean;
    readonly columns?: number;
    readonly rows?: number;
  };
  readonly stderr: Writable & { readonly isTTY?: boolean };
}

export const processTerminal: Terminal = { stdout: process.stdout, stderr: process.stderr };

/** What a reader who has stopped (Ctrl-S, a pager, a link that stalls) makes us keep; beyond it lines are left out. */
const MAX_UNREAD_BYTES = 1024 * 1024;

/** Writes lines for as long as somebody reads them. */
export function lineWriter(stream: Terminal['stdout']): (line: string) => void {
  unblock(stream);
  return (line) => {
    if (stream.writableLength < MAX_UNREAD_BYTES) stream.write(`${line}\n`);
  };
}

export interface ProgressLine {
  /** Replaces what the line says; on a pipe it prints nothing. */
  show(text: string): void;
  clear(): void;
}

/** A single line on stderr for long waits. */
export function progressLine(terminal: Terminal): ProgressLine {
  if (terminal.stderr.isTTY !== true) return { show: () => undefined, clear: () => undefined };
  return {
    show: (text) => void terminal.stderr.write(`\r\x1b[2K${text}`),
    clear: () => void terminal.stderr.write('\r\x1b[2K'),
  };
}
