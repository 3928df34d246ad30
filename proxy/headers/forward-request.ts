// The head that an upstream gets: the client's fields in their order, less what ends here, plus what a gateway adds
// (X-Forwarded-*, Forwarded of RFC 7239, Via, X-Request-Id). Pure.

import { aliasesGuardedField, endsHere, nominatedFields } from './hop-by-hop.js';
import { claimsOrigin } from './origin-claims.js';
import { UNIX_PEER } from './trusted-proxies.js';

/** What this hop knows of the one before it. */
export interface ReceivedFrom {
  readonly clientAddress: string;
  readonly proto: 'http' | 'https';
  readonly host: string;
  readonly receivedVersion: string;
  readonly pseudonym: string;
}

export interface ForwardContext extends ReceivedFrom {
  /** The client's forwarding fields are believed and extended, not replaced. */
  readonly trusted: boolean;
  readonly requestId: string;
}

const REPLACED = new Set([
  'x-request-id',
  'x-forwarded-for',
  'x-forwarded-proto',
  'x-forwarded-host',
  'x-forwarded-port',
  'forwarded',
]);

/** Names and values in turn. The caller frames the body: no Content-Length or Transfer-Encoding decision is made here. */
export function forwardRequestHeaders(rawHeaders: readonly string[], context: ForwardContext): string[] {
  const nominated = nominatedFields(rawHeaders);
  const headers = ['Host', context.host];
  const given = new Map<string, string>();
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]!;
    const lowerName = name.toLowerCase();
    if (
      endsHere(lowerName, nominated) ||
      lowerName === 'expect' ||
      lowerName === 'host' ||
      aliasesGuardedField(lowerName)
    )
      continue;
    const value = rawHeaders[index + 1]!;
    if (REPLACED.has(lowerName) || claimsOrigin(lowerName)) given.set(lowerName, joined(given.get(lowerName), value));
    else headers.push(name, value);
  }
  headers.push(...forwardingFields(context.trusted ? given : NOTHING_GIVEN, context));
  headers.push('X-Request-Id', context.requestId);
  return headers;
}

export const NOTHING_GIVEN: ReadonlyMap<string, string> = new Map();

/** `given`: what a trusted client said in these fields, by lower-case name. Names and values in turn. */
export function forwardingFields(given: ReadonlyMap<string, string>, context: ReceivedFrom): string[] {
  const { clientAddress, proto, host } = context;
  const givenFor = given.get('x-forwarded-for');
  // A Unix socket has no address to add, and whoever reads the list from its end would take any word there for the client.
  const clients = clientAddress === UNIX_PEER ? givenFor : joined(givenFor, clientAddress);
  const fields = clients === undefined ? [] : ['X-Forwarded-For', clients];
  fields.push(
    'X-Forwarded-Proto',
    given.get('x-forwarded-proto') ?? proto,
    'Forwarded',
    joined(given.get('forwarded'), forwardedElement(clientAddress, { proto, host })),
  );
  const forwardedHost = given.get('x-forwarded-host') ?? host;
  if (forwardedHost !== '') fields.push('X-Forwarded-Host', forwardedHost);
  const port = given.get('x-forwarded-port');
  if (port !== undefined) fields.push('X-Forwarded-Port', port);
  for (const [name, value] of given) if (claimsOrigin(name)) fields.push(name, value);
  fields.push('Via', `${context.receivedVersion} ${context.pseudonym}`);
  return fields;
}

/** RFC 7239 section 6: an IPv6 address is bracketed and quoted, no address is unknown; a host with a port is no token, so it is quoted. */
function forwardedElement(address: string, origin: { readonly proto: string; readonly host: string }): string {
  const known = address === UNIX_PEER ? '' : address;
  const node = known.includes(':') ? `"[${known}]"` : known;
  const host = origin.host === '' ? '' : `;host="${origin.host.replaceAll(/["\\]/g, '')}"`;
  return `for=${node === '' ? 'unknown' : node}${host};proto=${origin.proto}`;
}

function joined(before: string | undefined, value: string): string {
  return before === undefined || before === '' ? value : `${before}, ${value}`;
}
