// The access log as the config wants it, laid over the observer that is told of each request anyway.

import { join, resolve } from 'node:path';
import type { ProxyObserver } from '../../proxy/index.js';
import type { Config } from '../config/config.js';
import { AccessLog } from './access-log.js';
import { RotatingFile, type RotatingFileDeps } from './rotating-file.js';

export interface OpenAccessLog {
  readonly observer: ProxyObserver;
  close(): void;
}

const STDOUT = '-';

/** Without an access log the observer itself: nothing is added to a request. */
export function openAccessLog(observer: ProxyObserver, config: Config, deps: RotatingFileDeps): OpenAccessLog {
  const { access, accessFile, rotateAbove, keep } = config.log;
  if (access === 'off') return { observer, close: () => undefined };
  const path = accessFile === undefined ? join(config.logDir, 'access.log') : resolve(config.cwd, accessFile);
  const file = accessFile === STDOUT ? undefined : new RotatingFile(path, { maxBytes: rotateAbove, keep }, deps);
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
    },
    close: () => file?.close(),
  };
}
