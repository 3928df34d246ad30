// What the full lane reads off a node:http request. Pure.

import type { IncomingMessage } from 'node:http';
import { fieldValue } from '../headers/forward-response.js';
import { affinityBy } from './affinity.js';
import { guestOf } from './guest-socket.js';
import { priorityOf, type Priority } from '../priority.js';
import type { ClientFacts } from '../request-record.js';
import type { LaneContext } from './lane-context.js';

/** RFC 9112 section 6.3: a request has a body when it says so, whatever its method. */
export function hasBody(request: IncomingMessage): boolean {
  return request.headers['transfer-encoding'] !== undefined || Number(request.headers['content-length'] ?? 0) > 0;
}

export interface Target {
  readonly path: string;
  readonly host: string;
}

/** RFC 9112 section 3.2.2: an absolute target's authority replaces the Host field. */
export function targetOf(request: IncomingMessage): Target {
  const url = request.url ?? '/';
  const match = /^http:\/\/([^/?#]*)(.*)$/i.exec(url);
  if (match === null) return { path: url, host: request.headers.host ?? '' };
  const rest = match[2]!;
  // RFC 9112 section 3.2.4: an absolute target without a path means the server itself.
  if (rest === '' && request.method === 'OPTIONS') return { path: '*', host: match[1]! };
  return { path: rest.startsWith('/') ? rest : `/${rest}`, host: match[1]! };
}

export function affinityKeyOf(request: IncomingMessage, hashOn: string): string {
  const address = request.socket.remoteAddress ?? '';
  return affinityBy(hashOn, { address, field: (lowerName) => fieldValue(request.rawHeaders, lowerName) });
}

/** Undefined unless somebody wants to know. */
export function clientFactsOf(request: IncomingMessage, { observer }: LaneContext): ClientFacts | undefined {
  if (observer.wantsClient !== true) return undefined;
  const { headers } = request;
  const { remoteAddress: address, receivedVersion } = guestOf(request);
  const httpVersion = receivedVersion ?? request.httpVersion;
  return { address, httpVersion, referer: headers.referer, userAgent: headers['user-agent'] };
}

export function priorityOfRequest(request: IncomingMessage, { options, trustedProxies }: LaneContext): Priority {
  const claimed = request.headers[options.priorities.header];
  const facts = {
    path: targetOf(request).path,
    claimed: typeof claimed === 'string' ? claimed : undefined,
    trusted: trustedProxies.trusts(request.socket.remoteAddress ?? ''),
  };
  return priorityOf(facts, options.priorities);
}
