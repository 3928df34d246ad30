// Fields as Node's HTTP/2 gives them raw: names, in lower case, and values in turn.

/** The protocol has framing of its own: none of these may be in a message (RFC 9113 section 8.2.2). */
export const NOT_IN_HTTP2: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
]);

export function* pairs(raw: readonly string[]): Generator<readonly [name: string, value: string]> {
  for (let index = 0; index + 1 < raw.length; index += 2) yield [raw[index]!, raw[index + 1]!];
}
