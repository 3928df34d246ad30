// How an event stream that breaks off says so, before its connection is cut.

import type { ProblemCode } from '../problem.js';

/**
 * The stream may have broken off anywhere. As the beginning of a line the colon makes a comment, behind half a line it
 * ends that line; so half an event becomes part of the error and is never taken for a whole one.
 */
export function errorEvent(code: ProblemCode): string {
  return `:\nevent: error\ndata: ${JSON.stringify({ code })}\n\n`;
}
