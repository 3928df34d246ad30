// The fields of a parsed head that end at this hop since its Connection fields name them (RFC 9110 section 7.6.1). All names
// first, then one pass over the fields: one pass for each name would let a head of 16 KiB hold up the event loop for 100 ms.

import { FIELD } from './field-names.js';
import type { FieldTable } from './field-section.js';

export interface NominatingHead {
  readonly fields: FieldTable;
  lowerName(index: number): string;
}

/** `names` are in lower case. Fields that decide something here are not to be dropped by whoever sent the head. */
export function markNominated(head: NominatingHead, names: ReadonlySet<string>): void {
  const { fields } = head;
  for (let index = 0; index < fields.count; index += 1) {
    if (fields.kind[index] === FIELD.OTHER && names.has(head.lowerName(index))) fields.kind[index] = FIELD.NOMINATED;
  }
}
