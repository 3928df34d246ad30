// Reads small files of /proc, into one buffer that is used again. readFileSync would take a new one of 64 KiB each time,
// since these files do not tell their size, and a look at a hundred processes would stall requests for that.
import { closeSync, openSync, readSync } from 'node:fs';

const block = Buffer.allocUnsafeSlow(64 * 1024);

/** Undefined where it can't be read: processes come and go while we look, and some aren't ours to look at. */
export function tryReadProcFile(path: string): string | undefined {
  try {
    return readProcFile(path);
  } catch {
    return undefined;
  }
}

/** @throws Error (ENOENT, or ESRCH where it ends meanwhile, when there is no such process; EMFILE, EACCES and the like) */
export function readProcFile(path: string): string {
  const file = openSync(path, 'r');
  try {
    return readWhole(file);
  } finally {
    closeSync(file);
  }
}

function readWhole(file: number): string {
  let text = '';
  for (;;) {
    const length = readSync(file, block, 0, block.length, null);
    text += block.toString('latin1', 0, length);
    // The kernel fills a page at a time and ends with nothing; what is far from full was the end already.
    if (length < 1024) return text;
  }
}
