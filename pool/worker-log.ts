// The file that a worker writes its output to. A file and not a pipe, so that a worker outlives us: a pipe's reader
// that is gone ends the writer with SIGPIPE. Leaves rotation to the shell: it may be emptied under a running worker.
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { dirname } from 'node:path';
import { ensureFolder, fileModeIn } from '../src/core/folders.js';

const TAIL_BYTES = 4 * 1024;
const TAIL_LINES = 12;

/** A descriptor to append to; close it once the child has it. */
export function openWorkerLog(path: string): number {
  ensureFolder(dirname(path));
  return openSync(path, 'a', fileModeIn(dirname(path)));
}

/** Makes sure that it can be written, before anybody is asked to; returns where the next run's output begins. */
export function touchWorkerLog(path: string): number {
  const fd = openWorkerLog(path);
  try {
    return fstatSync(fd).size;
  } finally {
    closeSync(fd);
  }
}

/** The last lines written since `startsAtByte`, without trailing blank ones; none when somebody has taken the file away. */
export function tailWorkerLog(path: string, startsAtByte: number): string {
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch {
    return '';
  }
  try {
    const { size } = fstatSync(fd);
    const begin = startsAtByte <= size ? startsAtByte : 0;
    const from = Math.max(begin, size - TAIL_BYTES);
    if (size <= from) return '';
    const buffer = Buffer.alloc(size - from);
    const read = readSync(fd, buffer, 0, buffer.length, from);
    return buffer.subarray(0, read).toString('utf8').trimEnd().split('\n').slice(-TAIL_LINES).join('\n');
  } finally {
    closeSync(fd);
  }
}
