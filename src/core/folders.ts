// Folders and files of ours as they are made: the whole path, and open to nobody else where their folder is not.

import { mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { errorCode } from './errors.js';

export const PRIVATE_FOLDER = 0o700;
const PRIVATE_FILE = 0o600;
const OTHERS = 0o077;

/**
 * Makes the folder with its parents unless it is there; one that is keeps its mode. By hand: Node's `recursive` tries
 * for ever, and the event loop stands still with it, where the parent is there and takes no folders (/proc).
 * @throws the system's error (EACCES, ENOTDIR, ...).
 */
export function ensureFolder(path: string, mode?: number): void {
  try {
    mkdirSync(path, { mode });
  } catch (error) {
    if (isFolder(path)) return;
    const parent = dirname(path);
    if (errorCode(error) !== 'ENOENT' || parent === path || isFolder(parent)) throw error;
    ensureFolder(parent, mode);
    ensureFolder(path, mode);
  }
}

/** For a new file in there: the umask's, but nobody else's business where nobody else may enter. */
export function fileModeIn(folder: string): number {
  return (statSync(folder).mode & OTHERS) === 0 ? PRIVATE_FILE : 0o666;
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}
