// Builds the pino logger: pretty on a terminal, JSON lines elsewhere (or as the config says).

import { pino, type Logger as PinoLogger } from 'pino';
import pretty from 'pino-pretty';

export interface LoggingOptions {
  readonly level: 'debug' | 'info' | 'warn' | 'error' | 'silent';
  readonly format: 'auto' | 'pretty' | 'json';
}

/** Logs go to stderr, so that stdout stays for the workers' output. Writes are synchronous: nothing is lost at exit. */
export function createLog(options: LoggingOptions): PinoLogger {
  const usePretty = options.format === 'pretty' || (options.format === 'auto' && process.stderr.isTTY === true);
  const destination = usePretty
    ? pretty({ destination: 2, sync: true, ignore: 'pid,hostname', translateTime: 'SYS:HH:MM:ss.l', singleLine: true })
    : pino.destination({ dest: 2, sync: true });
  return pino({ level: options.level, base: undefined }, destination);
}
