// The head of an HTTP/2 request in the words of HTTP/1.1 (RFC 9113 section 8.3): so that one gate judges all requests. Pure.

import { NOT_IN_HTTP2, pairs } from './raw-fields.js';

/** Nothing that could end a line, or a name, may get into one. */
const UNSAFE_VALUE = /[\0\r\n]/;
const SAFE_NAME = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/;

export interface RequestText {
  readonly text: string;
  /** The body is to be written in chunks. */
  readonly chunked: boolean;
}

/**
 * @param raw names and values in turn, as they came
 * @param ended nothing comes behind the head
 * @returns undefined for what is no request at all
 */
export function requestTextOf(raw: readonly string[], ended: boolean): RequestText | undefined {
  const pseudo = new Map<string, string>();
  const lines: string[] = [];
  const cookies: string[] = [];
  let hasLength = false;
  for (const [name, value] of pairs(raw)) {
    if (UNSAFE_VALUE.test(value)) return undefined;
    if (name.startsWith(':')) {
      pseudo.set(name, value);
      continue;
    }
    // Whoever names framing of HTTP/1.1 all the same means to be misread.
    if (!SAFE_NAME.test(name) || NOT_IN_HTTP2.has(name)) return undefined;
    hasLength ||= name === 'content-length';
    // Section 8.2.3: to HTTP/1.1 they are one.
    if (name === 'cookie') cookies.push(value);
    // An authority beside it is the same one, or there are two: the gate's to judge.
    else if (name !== 'host' || value !== pseudo.get(':authority')) lines.push(`${name}: ${value}\r\n`);
  }
  const method = pseudo.get(':method');
  const authority = pseudo.get(':authority');
  const target = pseudo.get(':path') ?? authority;
  if (method === undefined || target === undefined) return undefined;
  const chunked = !ended && !hasLength;
  const host = authority === undefined ? '' : `host: ${authority}\r\n`;
  const cookie = cookies.length === 0 ? '' : `cookie: ${cookies.join('; ')}\r\n`;
  const framing = chunked ? 'transfer-encoding: chunked\r\n' : '';
  const head = `${method} ${target} HTTP/1.1\r\n${host}${lines.join('')}${cookie}${framing}connection: close\r\n\r\n`;
  return { text: head, chunked };
}
