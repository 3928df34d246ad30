// Builds the pino logger: pretty on a terminal, JSON lines elsewhere (or as the config says).

import { pino, type Logger as PinoLogger } from 'pino';
import pretty from 'pino-pretty';
import { unblock } from './core/unblock.js';

export interface LoggingOptions {
  readonly level: 'debug' | 'info' | 'warn' | 'error' | 'silent';
  readonly format: 'auto' | 'pretty' | 'json';
}

/** What a disk that is full makes us keep; it is written when there is room again. */
const MAX_KEPT_BYTES = 1024 * 1024;

/**
 * Logs go to stderr, so that stdout stays for the workers' output. Writes are synchronous, so that nothing is lost at exit, but
 * for those to a terminal, which may be stopped.
 */
export function createLog(options: LoggingOptions): PinoLogger {
  const usePretty = options.format === 'pretty' || (options.format === 'auto' && process.stderr.isTTY === true);
  const destination = usePretty
    ? pretty({
        destination: unblock(process.stderr),
        ignore: 'pid,hostname',
        translateTime: 'SYS:HH:MM:ss.l',
        singleLine: true,
      })
    : pino.destination({ dest: 2, sync: true, maxLength: MAX_KEPT_BYTES });
  // Where stderr goes may be full or gone: that costs lines, not the instance.
  destination.on('error', () => undefined);
  return pino({ level: options.level, base: undefined }, destination);
}
