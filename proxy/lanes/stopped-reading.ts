// What a failed write to an upstream tells of it.

import { errorCode } from '../../src/core/errors.js';

/** How a stream is told that a write is over. */
export type WriteCallback = (error?: Error | null) => void;

const CODES: ReadonlySet<string | undefined> = new Set(['EPIPE', 'ECONNRESET']);

/** It has closed, or has said that it reads no more: it may have answered before. */
export function hasStoppedReading(error: Error): boolean {
  return CODES.has(errorCode(error));
}
