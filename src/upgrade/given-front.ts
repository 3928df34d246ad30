// Whether the front that is handed over is the one that the new process's config asks for.

import type { Config } from '../config/config.js';
import { operatorError, type UnderstudyError } from '../core/errors.js';
import type { Predecessor } from './predecessor.js';

/** @throws UnderstudyError (operator) `front-changed`. */
export function requireSameFront(
  { host, port, socket }: Pick<Config['front'], 'host' | 'port' | 'socket'>,
  { frontPort, frontSocket }: Pick<Predecessor, 'frontPort' | 'frontSocket'>,
): void {
  // Port 0 asks for any.
  if (port !== 0 && port !== frontPort) {
    throw frontChanged(`the config says front ${host}:${port}, but port ${frontPort} is handed over`);
  }
  if (socket === frontSocket?.path) return;
  const given = frontSocket?.path ?? 'none';
  throw frontChanged(`the config says ${socket ?? 'nothing'} for front.socket, but ${given} is handed over`);
}

function frontChanged(message: string): UnderstudyError {
  return operatorError('front-changed', message);
}
