// What a failed write to an upstream tells of it.

import type { Socket } from 'node:net';
import { errorCode } from '../../src/core/errors.js';

const CODES: ReadonlySet<string | undefined> = new Set(['EPIPE', 'ECONNRESET']);

/**
 * It has closed, or has said that it reads no more, and what it said before was not read whole yet. Behind its end, which a
 * tunnel outlives, there is nothing more to read.
 */
export function mayBeHeard(socket: Socket, error: Error): boolean {
  return !socket.readableEnded && CODES.has(errorCode(error));
}
