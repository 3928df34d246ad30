// What node:http lets through and must not: judged on the raw list of fields before anything is forwarded. Pure.

import type { ProblemCode } from './problem.js';

export interface CheckedRequest {
  readonly method: string;
  readonly url: string;
  readonly httpVersion: string;
  readonly rawHeaders: readonly string[];
}

export interface RequestFault {
  readonly code: ProblemCode;
  readonly detail: string;
}

/** reg-name, IPv4 or bracketed IPv6, and a port of at most five digits (RFC 9110 section 7.2, RFC 3986 section 3.2.2). */
const HOST = /^(?:[A-Za-z0-9._~!$&'()*+;=%-]*|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?$/;

/** Undefined when nothing is wrong. Rows of RFC 9112 sections 3.2, 6.1 and 6.3. */
export function findRequestFault(request: CheckedRequest, maxBodyBytes = Infinity): RequestFault | undefined {
  return checkTarget(request) ?? checkHost(request) ?? checkFraming(request, maxBodyBytes) ?? checkExpect(request);
}

function checkTarget({ method, url }: CheckedRequest): RequestFault | undefined {
  if (method === 'CONNECT') return { code: 'method-not-allowed', detail: 'a reverse proxy serves no CONNECT' };
  if (method === 'TRACE') return { code: 'method-not-allowed', detail: 'TRACE is not served' };
  if (url === '*') return method === 'OPTIONS' ? undefined : bad('* is a target for OPTIONS alone');
  if (!url.startsWith('/')) return checkAbsolute(url);
  // Anything outside visible ASCII, and the # that no target may carry.
  return /[^\x21-\x7e]|#/.test(url) ? bad('the target has an octet that must be percent-encoded') : undefined;
}

function checkAbsolute(url: string): RequestFault | undefined {
  const match = /^http:\/\/([^/?#]*)[^#]*$/i.exec(url);
  if (match === null) return bad('the target is neither a path nor an http URL');
  return match[1] === '' || match[1]!.includes('@') || !HOST.test(match[1]!)
    ? bad('bad authority in the target')
    : undefined;
}

function checkHost({ rawHeaders }: CheckedRequest): RequestFault | undefined {
  const hosts = valuesOf(rawHeaders, 'host');
  if (hosts.length > 1) return bad('more than one Host field');
  return hosts[0] === undefined || HOST.test(hosts[0]) ? undefined : bad('bad Host value');
}

function checkFraming({ rawHeaders, httpVersion }: CheckedRequest, maxBodyBytes: number): RequestFault | undefined {
  const codings = valuesOf(rawHeaders, 'transfer-encoding');
  const lengths = valuesOf(rawHeaders, 'content-length');
  if (codings.length > 0) {
    if (lengths.length > 0) return bad('Content-Length beside Transfer-Encoding');
    if (httpVersion === '1.0') return bad('Transfer-Encoding in HTTP/1.0');
    return codings.length === 1 && codings[0]!.toLowerCase() === 'chunked'
      ? undefined
      : bad('Transfer-Encoding other than one "chunked"');
  }
  if (lengths.length > 1) return bad('more than one Content-Length field');
  if (lengths[0] === undefined) return undefined;
  if (!/^\d{1,15}$/.test(lengths[0])) return bad('bad Content-Length');
  return Number(lengths[0]) > maxBodyBytes
    ? { code: 'body-too-large', detail: `at most ${maxBodyBytes} bytes` }
    : undefined;
}

function checkExpect({ rawHeaders }: CheckedRequest): RequestFault | undefined {
  const expectations = valuesOf(rawHeaders, 'expect');
  if (expectations.length === 0) return undefined;
  if (expectations.length === 1 && expectations[0]!.toLowerCase() === '100-continue') return undefined;
  return { code: 'expectation-failed', detail: 'only 100-continue is supported' };
}

function valuesOf(rawHeaders: readonly string[], lowerName: string): string[] {
  const values: string[] = [];
  for (let index = 0; index < rawHeaders.length; index += 2) {
    if (rawHeaders[index]!.toLowerCase() === lowerName) values.push(rawHeaders[index + 1]!);
  }
  return values;
}

function bad(detail: string): RequestFault {
  return { code: 'bad-request', detail };
}
