// `understudy init`: writes a commented config whose every line states a default.

import { writeFileSync } from 'node:fs';
import { errorCode, errorMessage, operatorError, type UnderstudyError } from '../core/errors.js';
import { commentedConfig } from '../config/commented-config.js';
import { EXIT } from './exit-code.js';
import type { Terminal } from './terminal.js';

export interface InitOptions {
  readonly path: string;
  /** Overwrite what is there. */
  readonly force: boolean;
}

/** @throws UnderstudyError `config-exists` instead of overwriting without `force`. */
export function runInit(options: InitOptions, terminal: Terminal): Promise<number> {
  try {
    writeFileSync(options.path, commentedConfig(), { flag: options.force ? 'w' : 'wx' });
  } catch (error) {
    throw cannotWrite(options.path, error);
  }
  terminal.stdout.write(`wrote ${options.path}; 'understudy check' reads it, 'understudy run' uses it\n`);
  return Promise.resolve(EXIT.done);
}

function cannotWrite(path: string, cause: unknown): UnderstudyError {
  const exists = errorCode(cause) === 'EEXIST';
  const reason = exists ? 'it exists already; --force overwrites it' : errorMessage(cause);
  return operatorError(exists ? 'config-exists' : 'write-failed', `Cannot write ${path}: ${reason}`, cause);
}
