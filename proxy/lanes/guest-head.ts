// The head that node:http gets to read in the full lane: the judged one, put so that it can't be read as anything else. And
// which requests node:http and undici can carry at all.

import { METHODS } from 'node:http';
import type { JudgedRequest } from '../gate.js';
import { FIELD } from '../http1/field-names.js';
import type { RequestHeadParser } from '../http1/request-head.js';

const KNOWN_METHODS = new Set(METHODS);

/** llhttp knows the registered methods alone, and undici asks for no `*`. */
export function canBeGuest({ method, target }: JudgedRequest): boolean {
  return KNOWN_METHODS.has(method) && target !== '*';
}

/** `head` is the parser that has just judged `request`. */
export function guestHead(head: RequestHeadParser, request: JudgedRequest): Buffer {
  const { fields } = head;
  let text = `${request.method} ${request.target} HTTP/1.${request.minorVersion}\r\n`;
  if (request.hostFrom === 'target') text += `Host: ${request.host}\r\n`;
  // RFC 9112 section 3.2: every HTTP/1.1 request has one, so one is made up for an HTTP/1.0 client.
  if (request.hostFrom === 'nowhere') text += 'Host: localhost\r\n';
  for (let index = 0; index < fields.count; index += 1) {
    if (isKept(fields.kind[index]!, request))
      text += head.text(fields.nameStart[index]!, fields.lineEnd(index, head.end));
  }
  // RFC 9110 section 7.6.2: one that is no number counts nothing.
  if (request.maxForwards !== undefined && request.maxForwards > 0)
    text += `Max-Forwards: ${request.maxForwards - 1}\r\n`;
  if (request.close) text += 'Connection: close\r\n';
  return Buffer.from(`${text}\r\n`, 'latin1');
}

function isKept(kind: number, request: JudgedRequest): boolean {
  switch (kind) {
    case FIELD.HOST:
      return request.hostFrom === 'field';
    case FIELD.NOMINATED:
    case FIELD.ALIAS:
      return false;
    // node:http takes whatever has an Upgrade field for one (RFC 9110 section 7.8: it may be ignored).
    case FIELD.UPGRADE:
    case FIELD.CONNECTION:
      return false;
    case FIELD.MAX_FORWARDS:
      return request.maxForwards === undefined;
    default:
      return true;
  }
}
