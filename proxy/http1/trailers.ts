// Which trailers may travel on (RFC 9110 section 6.5.1): never one that would change how the message is framed, routed,
// authenticated or understood after the fact.

import { FIELD } from './field-names.js';
import type { FieldTable } from './field-section.js';
import { textOf } from './octets.js';

const NEVER_IN_TRAILERS = new Set([
  'authorization',
  'age',
  'cache-control',
  'content-encoding',
  'content-range',
  'cookie',
  'expires',
  'if-match',
  'if-modified-since',
  'if-none-match',
  'if-range',
  'if-unmodified-since',
  'location',
  'pragma',
  'range',
  'retry-after',
  'set-cookie',
  'vary',
  'warning',
  'www-authenticate',
]);

/** The lines of a parsed trailer section that may be passed on, each with its CRLF. */
export function keptTrailers(section: Buffer, sectionEnd: number, fields: FieldTable): string {
  let kept = '';
  for (let index = 0; index < fields.count; index += 1) {
    const start = fields.nameStart[index]!;
    // Whatever a proxy knows by name decides something in a head: it has no place behind the body.
    if (fields.kind[index] !== FIELD.OTHER) continue;
    if (NEVER_IN_TRAILERS.has(textOf(section, start, fields.nameEnd[index]).toLowerCase())) continue;
    kept += textOf(section, start, fields.lineEnd(index, sectionEnd));
  }
  return kept;
}
