// The head that the client gets: the upstream's fields in their order, less what ends here, plus a Date where it has
// none (RFC 9110 section 6.6.1). Pure.

import { endsHere, nominatedFields } from './hop-by-hop.js';

export interface AnswerFacts {
  readonly status: number;
  /** An IMF-fixdate. */
  readonly date: string;
}

/** Names and values in turn. */
export function forwardResponseHeaders(rawHeaders: readonly string[], { status, date }: AnswerFacts): string[] {
  const nominated = nominatedFields(rawHeaders);
  const headers: string[] = [];
  let dated = false;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]!;
    const lowerName = name.toLowerCase();
    // RFC 9110 section 8.6: never with a 204.
    if (endsHere(lowerName, nominated) || (status === 204 && lowerName === 'content-length')) continue;
    if (lowerName === 'date') dated = true;
    headers.push(name, rawHeaders[index + 1]!);
  }
  if (!dated) headers.push('Date', date);
  return headers;
}

/** The first value of a field, by lower-case name. */
export function fieldValue(rawHeaders: readonly string[], lowerName: string): string | undefined {
  for (let index = 0; index < rawHeaders.length; index += 2) {
    if (rawHeaders[index]!.toLowerCase() === lowerName) return rawHeaders[index + 1];
  }
  return undefined;
}
