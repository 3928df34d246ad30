// What sticky balancing goes by: `address`, `header:<name>` or `cookie:<name>`; the address where that is missing.

export interface AffinitySources {
  readonly address: string;
  /** The first value of a field, by lower-case name. */
  readonly field: (lowerName: string) => string | undefined;
}

export function affinityBy(hashOn: string, { address, field }: AffinitySources): string {
  const [kind, name = ''] = hashOn.split(':');
  if (kind === 'header') return field(name.toLowerCase()) ?? address;
  if (kind === 'cookie') return cookieValue(field('cookie') ?? '', name) ?? address;
  return address;
}

/** RFC 6265 section 4.2.1. */
function cookieValue(cookies: string, name: string): string | undefined {
  const prefix = `${name}=`;
  const pair = cookies.split(';').find((part) => part.trimStart().startsWith(prefix));
  return pair?.trim().slice(prefix.length);
}
