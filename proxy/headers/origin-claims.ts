// The lesser known fields in which a proxy says where a request came from. Servers look for them too (gunicorn takes the
// scheme from X-Forwarded-Ssl and X-Forwarded-Protocol): from a client that is not trusted they would contradict ours.

/** In lower case. The well-known ones are made anew by forward-request.ts; these end here or go on as they were given. */
export const ORIGIN_CLAIMS: readonly string[] = [
  'front-end-https',
  'x-forwarded-prefix',
  'x-forwarded-protocol',
  'x-forwarded-scheme',
  'x-forwarded-server',
  'x-forwarded-ssl',
  'x-client-ip',
  'x-cluster-client-ip',
  'x-original-forwarded-for',
  'x-original-host',
  'x-real-ip',
  'x-scheme',
  'x-url-scheme',
];

const CLAIMS = new Set(ORIGIN_CLAIMS);

/** Whether a lower-case name is one of them. */
export function claimsOrigin(name: string): boolean {
  return CLAIMS.has(name);
}
