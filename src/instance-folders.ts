// The folders of an instance, made and judged before anything in them is read or written. The state file says which
// processes to end and whoever reaches the socket commands us: the runtime folder must be ours alone to write. By
// default it lies at a path in /tmp that anybody can guess, and make before us.

import { accessSync, chmodSync, constants, lstatSync, statSync, type Stats } from 'node:fs';
import { join } from 'node:path';
import { ADMIN_SOCKET_NAME } from './admin/locate-instance.js';
import { errorCode, errorMessage, operatorError, type UnderstudyError } from './core/errors.js';
import { ensureFolder, PRIVATE_FOLDER } from './core/folders.js';
import { PID_FILE_NAME } from './instance-owner.js';

export const STATE_FILE_NAME = 'state.json';

const ROOT = 0;
const WRITABLE_BY_OTHERS = 0o022;
const PERMISSIONS = 0o7777;

/** @throws UnderstudyError (operator) that names the key of the config, the path, and what is wrong with it. */
export function ensureInstanceFolders({
  runtimeDir,
  logDir,
}: {
  readonly runtimeDir: string;
  readonly logDir: string;
}) {
  ensureRuntimeFolder(runtimeDir);
  ensureLogFolder(logDir, { ours: logDir === join(runtimeDir, 'logs') });
}

/** @throws UnderstudyError `runtime-dir`. */
export function ensureRuntimeFolder(path: string): void {
  try {
    ensureFolder(path, PRIVATE_FOLDER);
    requireOwnedByUs(path);
    for (const name of [PID_FILE_NAME, STATE_FILE_NAME, ADMIN_SOCKET_NAME]) refuseFolderAt(join(path, name));
  } catch (error) {
    throw unusable({ key: 'runtimeDir', path, code: 'runtime-dir' }, error);
  }
}

/** What workers write is as private as the runtime folder; the mode of a folder that the operator chose is his. */
function ensureLogFolder(path: string, { ours }: { readonly ours: boolean }): void {
  try {
    ensureFolder(path, ours ? PRIVATE_FOLDER : undefined);
    // One that an operator has linked to has its mode from him.
    if (ours && lstatSync(path).isDirectory()) chmodSync(path, PRIVATE_FOLDER);
    accessSync(path, constants.W_OK | constants.X_OK);
  } catch (error) {
    throw unusable({ key: 'logDir', path, code: 'log-dir' }, error);
  }
}

function requireOwnedByUs(path: string): void {
  const us = process.getuid?.();
  if (us === undefined) return;
  const link = lstatSync(path);
  // Through a stranger's link we would be led into any folder of ours.
  if (link.uid !== us && link.uid !== ROOT) throw refused(whoseInstead(link, us));
  const folder = statSync(path);
  if (folder.uid !== us) throw refused(whoseInstead(folder, us));
  if ((folder.mode & WRITABLE_BY_OTHERS) === 0) return;
  const { mode } = describe(folder);
  throw refused(
    `it belongs to us, but its mode ${mode} lets others write there. Look at what is in it, then remove it or close it: chmod go-w ${path}`,
  );
}

function whoseInstead(found: Stats, us: number): string {
  const { owner, mode } = describe(found);
  return `it belongs to ${owner} (mode ${mode}), and we are uid ${us}: its owner could have us end any process. Remove it, or choose another folder with runtimeDir in the config`;
}

function describe({ uid, mode }: Stats): { readonly owner: string; readonly mode: string } {
  return { owner: `uid ${uid}`, mode: (mode & PERMISSIONS).toString(8).padStart(4, '0') };
}

function refuseFolderAt(path: string): void {
  if (lstatSync(path, { throwIfNoEntry: false })?.isDirectory() !== true) return;
  throw refused(`${path} is a folder, and a file of ours belongs there. Remove it`);
}

function refused(reason: string): UnderstudyError {
  return operatorError('refused', reason);
}

interface ChosenPath {
  /** In the config. */
  readonly key: string;
  readonly path: string;
  readonly code: string;
}

const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'we may not write there',
  EPERM: 'we may not write there',
  EROFS: 'nothing can be written there',
  EEXIST: 'it is no folder',
  ENOTDIR: 'a part of its path is no folder',
  EISDIR: 'it is a folder',
  ENOENT: 'nothing can be made there',
};

/** What the system says of a path that the operator chose, as an error that names the key. */
export function unusable({ key, path, code }: ChosenPath, cause: unknown): UnderstudyError {
  const reason = REASONS[errorCode(cause) ?? ''];
  const told = reason === undefined ? errorMessage(cause) : `${reason} (${errorMessage(cause)})`;
  return operatorError(code, `Cannot use ${key} ${path}: ${told}.`, cause);
}
