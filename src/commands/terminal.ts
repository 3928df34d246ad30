// Where a command writes, and a status line that is redrawn on a terminal and left out of pipes.

export interface Terminal {
  readonly stdout: NodeJS.WritableStream & {
    readonly isTTY?: boolean;
    readonly columns?: number;
    readonly rows?: number;
  };
  readonly stderr: NodeJS.WritableStream & { readonly isTTY?: boolean };
}

export const processTerminal: Terminal = { stdout: process.stdout, stderr: process.stderr };

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
