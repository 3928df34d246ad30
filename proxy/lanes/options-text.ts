// The answer to an OPTIONS that goes no further (RFC 9110 section 7.6.2).

import { httpDate } from '../http-date.js';
import { ALLOWED_METHODS } from '../problem.js';

export function optionsText(close: boolean): string {
  const connection = close ? 'Connection: close\r\n' : '';
  return `HTTP/1.1 204 No Content\r\nDate: ${httpDate()}\r\nAllow: ${ALLOWED_METHODS}\r\n${connection}\r\n`;
}
