// Whether a file is another one than before, by what the file system tells of it.

import { statSync } from 'node:fs';
import { errorCode } from './errors.js';

/** Another one after each change, also where a link leads to another file now. Never throws: what can't be looked at has one too. */
export function fingerprintOf(file: string): string {
  try {
    const { dev, ino, size, mtimeMs } = statSync(file);
    return `${dev}:${ino}:${size}:${mtimeMs}`;
  } catch (error) {
    return errorCode(error) ?? 'unknown';
  }
}
