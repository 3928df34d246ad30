// The access log as the config wants it, laid over the observer that is told of each request anyway.

import { join, resolve } from 'node:path';
import type { ProxyObserver } from '../../proxy/index.js';
import type { Config } from '../config/config.js';
import { unusable } from '../instance-folders.js';
import { AccessLog } from './access-log.js';
import type { RotationOptions } from './generations.js';
import { RotatingFile, type RotatingFileDeps } from './rotating-file.js';

export interface OpenAccessLog {
  readonly observer: ProxyObserver;
  close(): void;
}

const STDOUT = '-';

/**
 * Without an access log the observer itself: nothing is added to a request.
 * @throws UnderstudyError `access-file` that names the key and the path.
 */
export function openAccessLog(observer: ProxyObserver, config: Config, deps: RotatingFileDeps): OpenAccessLog {
  const { access, accessFile, rotateAbove, keep } = config.log;
  if (access === 'off') return { observer, close: () => undefined };
  const path = accessFile === undefined ? join(config.logDir, 'access.log') : resolve(config.cwd, accessFile);
  const file = accessFile === STDOUT ? undefined : openFile(path, { maxBytes: rotateAbove, keep }, deps);
  const log = new AccessLog(access, { writer: file ?? process.stdout, clock: deps.clock });
  return {
    observer: {
      wantsClient: true,
      onRequest: (record) => {
        observer.onRequest(record);
        log.onRequest(record);
      },
      onRepeat: (reason) => observer.onRepeat(reason),
      onRepeatRefused: (reason) => observer.onRepeatRefused(reason),
      onConnectionRefused: (reason) => observer.onConnectionRefused?.(reason),
    },
    close: () => file?.close(),
  };
}

function openFile(path: string, options: RotationOptions, deps: RotatingFileDeps): RotatingFile {
  try {
    return new RotatingFile(path, options, deps);
  } catch (error) {
    throw unusable({ key: 'log.accessFile', path, code: 'access-file' }, error);
  }
}
