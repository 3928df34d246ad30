// A field of a parsed head by its name, for the few that no rule of ours knows by kind.

/** Of a request or of a response. */
interface ParsedHead {
  readonly fields: { readonly count: number };
  lowerName(index: number): string;
  value(index: number): string;
}

/** The first value of a field, by lower-case name. */
export function fieldOf(head: ParsedHead, lowerName: string): string | undefined {
  for (let index = 0; index < head.fields.count; index += 1) {
    if (head.lowerName(index) === lowerName) return head.value(index);
  }
  return undefined;
}
