// Fields that end at the next hop (RFC 9110 section 7.6.1) and how they are found in a raw list of names and values.

import { claimsOrigin } from './origin-claims.js';

const ALWAYS_DROPPED = new Set([
  'connection',
  'proxy-connection',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-authentication-info',
]);

/** A Connection field that nominates one of these is an attack on the next hop (CVE-2025-48865), not a wish. */
const NEVER_NOMINATED = new Set([
  'host',
  'content-length',
  'content-type',
  'cookie',
  'set-cookie',
  'authorization',
  'forwarded',
  'via',
  'x-request-id',
  'date',
]);

/** Lower-case names that the message's own Connection fields drop. */
export function nominatedFields(rawHeaders: readonly string[]): ReadonlySet<string> {
  const nominated = new Set<string>();
  for (let index = 0; index < rawHeaders.length; index += 2) {
    if (rawHeaders[index]!.toLowerCase() !== 'connection') continue;
    for (const token of rawHeaders[index + 1]!.toLowerCase().split(',')) {
      const name = token.trim();
      if (mayBeNominated(name)) nominated.add(name);
    }
  }
  return nominated;
}

/** Whether a Connection field may drop the field of this lower-case name. */
export function mayBeNominated(name: string): boolean {
  return !NEVER_NOMINATED.has(name) && !name.startsWith('x-forwarded-') && !claimsOrigin(name);
}

/** Whether a lower-case name ends at this hop. */
export function endsHere(name: string, nominated: ReadonlySet<string>): boolean {
  return ALWAYS_DROPPED.has(name) || nominated.has(name);
}

/** Names with an underscore that a CGI-style server would take for a field that decides framing, host or trust. */
const GUARDED_BY_DASH = /^(content-length|transfer-encoding|host|forwarded|via|x-request-id|x-forwarded-.+)$/;

/** Whether a lower-case name is such an alias (CVE-2025-64484): it is dropped. */
export function aliasesGuardedField(name: string): boolean {
  if (!name.includes('_')) return false;
  const dashed = name.replaceAll('_', '-');
  return GUARDED_BY_DASH.test(dashed) || claimsOrigin(dashed);
}
