// The gate: what a parsed request head means, judged once for every lane. Wrong ones get a fault with its status, right
// ones the facts that lanes go by; one that asks for a configured upgrade is special, all others are plain.
// Rows of the RFC stand at each rule; where the RFC gives a choice we refuse what two parsers could read differently.

import { isIPv6 } from 'node:net';
import { mayBeNominated } from './headers/hop-by-hop.js';
import { FIELD } from './http1/field-names.js';
import { hasTabBehind, isWord, parseLength } from './http1/framing.js';
import { markNominated } from './http1/nominations.js';
import { faultOf, type HeadFault, type RequestHeadParser } from './http1/request-head.js';
import { RepeatedText, textOf } from './http1/octets.js';
import type { ProxyOptions } from './options.js';

export interface GateRules {
  readonly maxBodyBytes: number;
  /** Protocols that may be upgraded to, in lower case. */
  readonly upgrades: readonly string[];
  /** Our own name in Via: who bears it has come through here before. */
  readonly pseudonym: string;
}

export function createGate({ limits, upgrades }: ProxyOptions, pseudonym: string): Gate {
  return new Gate({
    maxBodyBytes: limits.maxBodyBytes ?? Infinity,
    upgrades: upgrades.map((protocol) => protocol.toLowerCase()),
    pseudonym,
  });
}

/** A right request, as far as its head tells. */
export class JudgedRequest {
  readonly method: string;
  /** What the upstream is asked for: origin form or `*`. */
  target: string;
  /** The client's own minor version: 0 or 1. */
  readonly minorVersion: number;
  /** `field`: the Host field stands as it came. */
  hostFrom: 'field' | 'target' | 'nowhere' = 'nowhere';
  host = '';
  body: 'none' | 'length' | 'chunked' = 'none';
  contentLength = 0;
  /** No further request on this connection. */
  close = false;
  expectsContinue = false;
  wantsTrailers = false;
  /** The protocol that a special request asks for. */
  upgrade: string | undefined;
  requestId: string | undefined;
  hasIdempotencyKey = false;
  /** For OPTIONS (RFC 9110 section 7.6.2). */
  maxForwards: number | undefined;

  constructor(method: string, target: string, minorVersion: number) {
    this.method = method;
    this.target = target;
    this.minorVersion = minorVersion;
  }
}

/** `identity` is none any more (RFC 9112 section 7), and `chunked` comes once. */
const OTHERS_THEN_CHUNKED = /^(?:(?!(?:chunked|identity)[\t ]*,)[!#$%&'*+\-.^_`|~0-9a-z]+[\t ]*,[\t ]*)+chunked$/i;
/** reg-name, IPv4 or bracketed IPv6, and a port of at most five digits (RFC 9110 section 7.2, RFC 3986 section 3.2.2). */
const HOST = /^(?:[A-Za-z0-9._~!$&'()*+;=%-]*|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?$/;

function isHost(value: string): boolean {
  return HOST.test(value) && (!value.startsWith('[') || isIPv6(value.slice(1, value.indexOf(']'))));
}

/** Hosts repeat: the last good one needs no second look. */
let lastGoodHost = '';

/** What is in the field lines, counted; the rules that need several of them come after. */
interface Findings {
  hosts: number;
  lengths: number;
  codings: number;
  expectations: number;
  upgradeAt: number;
  wantsUpgrade: boolean;
  offersTrailers: boolean;
  /** What Connection fields name as ending here, in lower case; most requests have none. */
  nominated: Set<string> | undefined;
}

export class Gate {
  readonly #rules: GateRules;
  readonly #hosts = new RepeatedText();

  constructor(rules: GateRules) {
    this.#rules = rules;
  }

  /** Judges the head that the parser has just completed; `encrypted`: it came over TLS. */
  judge(head: RequestHeadParser, encrypted = false): JudgedRequest | HeadFault {
    const { method, target, minorVersion } = head;
    const request = new JudgedRequest(method, target, minorVersion);
    const found: Findings = {
      hosts: 0,
      lengths: 0,
      codings: 0,
      expectations: 0,
      upgradeAt: -1,
      wantsUpgrade: false,
      offersTrailers: false,
      nominated: undefined,
    };
    // RFC 9112 section 9.3: a proxy keeps no connection of an HTTP/1.0 client.
    request.close = minorVersion === 0;
    const fault =
      this.#readFields(head, request, found) ??
      checkHost(request, found.hosts) ??
      checkTarget(request, encrypted) ??
      checkFraming(request, found) ??
      this.#checkLength(request) ??
      this.#checkUpgrade(head, request, found);
    if (fault !== undefined) return faultOf(method, fault);
    request.wantsTrailers = found.offersTrailers && minorVersion === 1;
    // RFC 9110 section 10.1.1: ignored in HTTP/1.0, and without content to wait for.
    request.expectsContinue = found.expectations === 1 && minorVersion === 1 && request.body !== 'none';
    return request;
  }

  #readFields(head: RequestHeadParser, request: JudgedRequest, found: Findings): HeadFault | undefined {
    const { bytes, fields } = head;
    for (let index = 0; index < fields.count; index += 1) {
      const kind = fields.kind[index]!;
      if (kind === FIELD.OTHER) continue;
      const start = fields.valueStart[index]!;
      const end = fields.valueEnd[index]!;
      switch (kind) {
        case FIELD.HOST:
          found.hosts += 1;
          request.host = this.#hosts.of(bytes, start, end);
          break;
        case FIELD.CONTENT_LENGTH:
          found.lengths += 1;
          request.contentLength = parseLength(bytes, start, end);
          if (request.contentLength < 0) return badLength(bytes, start, end);
          if (hasTabBehind(bytes, end)) return bad('a tab behind Content-Length');
          break;
        case FIELD.TRANSFER_ENCODING:
          found.codings += 1;
          if (!isWord(bytes, start, end, 'chunked')) return badCoding(bytes, start, end);
          if (hasTabBehind(bytes, end)) return bad('a tab behind Transfer-Encoding');
          break;
        case FIELD.EXPECT:
          found.expectations += 1;
          if (found.expectations > 1 || !isWord(bytes, start, end, '100-continue'))
            return { code: 'expectation-failed', detail: 'only 100-continue is supported' };
          break;
        case FIELD.VIA:
          if (head.value(index).includes(this.#rules.pseudonym))
            return { code: 'loop-detected', detail: 'its Via field names this proxy' };
          break;
        case FIELD.CONNECTION:
          if (!isWord(bytes, start, end, 'keep-alive')) readConnection(head.value(index), request, found);
          break;
        case FIELD.UPGRADE:
          found.upgradeAt = index;
          break;
        case FIELD.TE:
          // RFC 9110 section 10.1.4: `trailers` is the only one that a proxy may pass on.
          found.offersTrailers ||= /(?:^|,)[ \t]*trailers[ \t]*(?:,|$)/i.test(head.value(index));
          break;
        case FIELD.REQUEST_ID:
          if (request.requestId === undefined) request.requestId = head.value(index);
          else fields.kind[index] = FIELD.SURPLUS;
          break;
        case FIELD.IDEMPOTENCY_KEY:
          request.hasIdempotencyKey = true;
          break;
        case FIELD.MAX_FORWARDS:
          if (request.method === 'OPTIONS') request.maxForwards = parseLength(bytes, start, end);
          break;
      }
    }
    if (found.nominated !== undefined) markNominated(head, found.nominated);
    return undefined;
  }

  #checkLength({ contentLength }: JudgedRequest): HeadFault | undefined {
    const { maxBodyBytes } = this.#rules;
    return contentLength > maxBodyBytes
      ? { code: 'body-too-large', detail: `at most ${maxBodyBytes} bytes` }
      : undefined;
  }

  /** RFC 9110 section 7.8: an upgrade that is not configured, or not asked for in full, is simply not made. */
  #checkUpgrade(head: RequestHeadParser, request: JudgedRequest, found: Findings): HeadFault | undefined {
    if (found.upgradeAt < 0 || !found.wantsUpgrade || request.minorVersion === 0) return undefined;
    const protocol = head.value(found.upgradeAt).toLowerCase();
    if (!this.#rules.upgrades.includes(protocol)) return undefined;
    // RFC 6455 section 4.1: a WebSocket is opened by GET alone.
    if (protocol === 'websocket' && request.method !== 'GET') return undefined;
    // Behind the head of an upgrade the octets are the new protocol's: a body there is an attack (CVE-2026-58055).
    if (request.body !== 'none' || found.lengths > 0) return bad('an upgrade request must not have a body');
    request.upgrade = protocol;
    return undefined;
  }
}

/** RFC 9110 section 7.6.1: options for this hop, and names of fields that end here. */
function readConnection(field: string, request: JudgedRequest, found: Findings): void {
  const value = field.toLowerCase();
  if (value === 'close') {
    request.close = true;
    return;
  }
  for (const part of value.split(',')) {
    const option = part.trim();
    if (option === 'close') request.close = true;
    else if (option === 'upgrade') found.wantsUpgrade = true;
    else if (option !== '' && option !== 'keep-alive' && mayBeNominated(option))
      (found.nominated ??= new Set()).add(option);
  }
}

/** RFC 9112 section 3.2: exactly one in HTTP/1.1, at most one in HTTP/1.0, and never a bad one, whatever the target is. */
function checkHost(request: JudgedRequest, hosts: number): HeadFault | undefined {
  if (hosts > 1) return bad('more than one Host field');
  if (hosts === 0) return request.minorVersion === 0 ? undefined : bad('no Host field');
  request.hostFrom = 'field';
  if (request.host === lastGoodHost) return undefined;
  if (!isHost(request.host)) return bad('bad Host value');
  lastGoodHost = request.host;
  return undefined;
}

function checkTarget(request: JudgedRequest, encrypted: boolean): HeadFault | undefined {
  const { method, target } = request;
  if (method === 'CONNECT') return { code: 'method-not-allowed', detail: 'a reverse proxy serves no CONNECT' };
  if (method === 'TRACE') return { code: 'method-not-allowed', detail: 'TRACE is not served' };
  if (target.charCodeAt(0) === 0x2f) return undefined;
  if (target === '*') return method === 'OPTIONS' ? undefined : bad('* is a target for OPTIONS alone');
  return takeAbsolute(request, encrypted);
}

/**
 * RFC 9112 section 3.2.2: the authority of an absolute target replaces the Host field. RFC 9110 section 7.4: what is asked for
 * as secure must have come so.
 */
function takeAbsolute(request: JudgedRequest, encrypted: boolean): HeadFault | undefined {
  const match = /^http(s)?:\/\/([^/?]*)(.*)$/i.exec(request.target);
  const [, secure, authority = '', rest = ''] = match ?? [];
  if (match === null || (secure !== undefined && !encrypted))
    return bad(`the target is neither a path nor an ${encrypted ? 'http or https' : 'http'} URL`);
  if (authority === '' || !isHost(authority)) return bad('bad authority in the target');
  request.host = authority;
  request.hostFrom = 'target';
  // RFC 9112 section 3.2.4: an absolute target without a path means the server itself.
  if (rest === '' && request.method === 'OPTIONS') request.target = '*';
  else request.target = rest.startsWith('/') ? rest : `/${rest}`;
  return undefined;
}

/** RFC 9112 sections 6.1 and 6.3. */
function checkFraming(request: JudgedRequest, { lengths, codings }: Findings): HeadFault | undefined {
  if (codings > 0) {
    if (lengths > 0) return bad('Content-Length beside Transfer-Encoding');
    if (request.minorVersion === 0) return bad('Transfer-Encoding in HTTP/1.0');
    if (codings > 1) return bad('more than one Transfer-Encoding field');
    request.body = 'chunked';
    return undefined;
  }
  if (lengths > 1) return bad('more than one Content-Length field');
  if (request.contentLength > 0) request.body = 'length';
  return undefined;
}

function badLength(bytes: Buffer, start: number, end: number): HeadFault {
  const digits = /^\d+$/.test(textOf(bytes, start, end));
  return digits
    ? { code: 'body-too-large', detail: 'a Content-Length of more than 15 digits' }
    : bad('bad Content-Length');
}

/** RFC 9112 section 6.1: one that we do not know is no fault of the message, as long as its end can be told (section 6.3). */
function badCoding(bytes: Buffer, start: number, end: number): HeadFault {
  const detail = 'Transfer-Encoding other than one "chunked"';
  return OTHERS_THEN_CHUNKED.test(textOf(bytes, start, end)) ? { code: 'not-implemented', detail } : bad(detail);
}

function bad(detail: string): HeadFault {
  return { code: 'bad-request', detail };
}
