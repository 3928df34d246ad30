// A problem answer as the octets of a whole HTTP/1.1 response.

import { STATUS_CODES } from 'node:http';
import { problemAnswer, type ProblemCode } from './problem.js';
import { textOf } from './http1/octets.js';

export interface ProblemTextOptions {
  readonly detail?: string;
  readonly requestId?: string;
  /** The connection ends after it. */
  readonly close: boolean;
  /** False for the answer to a HEAD. */
  readonly withBody: boolean;
}

export function problemText(code: ProblemCode, options: ProblemTextOptions): string {
  const { status, rawHeaders, body } = problemAnswer(code, options);
  let text = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Refused'}\r\n`;
  for (let index = 0; index < rawHeaders.length; index += 2)
    text += `${rawHeaders[index]}: ${rawHeaders[index + 1]}\r\n`;
  if (options.close) text += 'Connection: close\r\n';
  return `${text}\r\n${options.withBody ? textOf(Buffer.from(body)) : ''}`;
}
