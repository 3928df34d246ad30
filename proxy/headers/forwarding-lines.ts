// What this hop says of a client connection, as header lines. They change with the Host alone, so that a connection's
// requests mostly share them.

import { FIELD } from '../http1/field-names.js';
import type { RequestHeadParser } from '../http1/request-head.js';
import { forwardingFields, NOTHING_GIVEN, type ReceivedFrom } from './forward-request.js';

export interface HopFacts {
  readonly clientAddress: string;
  readonly proto: 'http' | 'https';
  /** The client's own forwarding fields are believed and extended. */
  readonly trusted: boolean;
  readonly pseudonym: string;
  /** Instead of the one that a head says. */
  readonly receivedVersion?: string | undefined;
}

const GIVEN_NAMES: ReadonlyMap<number, string> = new Map([
  [FIELD.FORWARDED_FOR, 'x-forwarded-for'],
  [FIELD.FORWARDED_PROTO, 'x-forwarded-proto'],
  [FIELD.FORWARDED_HOST, 'x-forwarded-host'],
  [FIELD.FORWARDED_PORT, 'x-forwarded-port'],
  [FIELD.FORWARDED, 'forwarded'],
]);

export class ForwardingLines {
  readonly #hop: HopFacts;
  #host = '';
  #minorVersion = -1;
  #lines = '';

  constructor(hop: HopFacts) {
    this.#hop = hop;
  }

  /** Of the request whose head the parser has just completed. */
  of(head: RequestHeadParser, host: string): string {
    if (this.#hop.trusted) return this.#linesFor(givenBy(head), this.#received(head, host));
    if (host === this.#host && head.minorVersion === this.#minorVersion) return this.#lines;
    this.#host = host;
    this.#minorVersion = head.minorVersion;
    this.#lines = this.#linesFor(NOTHING_GIVEN, this.#received(head, host));
    return this.#lines;
  }

  #received(head: RequestHeadParser, host: string): ReceivedFrom {
    const { clientAddress, proto, pseudonym, receivedVersion = `1.${head.minorVersion}` } = this.#hop;
    return { clientAddress, proto, host, receivedVersion, pseudonym };
  }

  #linesFor(given: ReadonlyMap<string, string>, received: ReceivedFrom): string {
    const fields = forwardingFields(given, received);
    const pieces: string[] = [];
    for (let index = 0; index < fields.length; index += 2)
      pieces.push(fields[index]!, ': ', fields[index + 1]!, '\r\n');
    // Not by `+`: V8 keeps what that puts together as pieces, and would go through them at every write.
    return pieces.join('');
  }
}

function givenBy(head: RequestHeadParser): Map<string, string> {
  const given = new Map<string, string>();
  for (let index = 0; index < head.fields.count; index += 1) {
    const kind = head.fields.kind[index]!;
    const name = kind === FIELD.ORIGIN_CLAIM ? head.lowerName(index) : GIVEN_NAMES.get(kind);
    if (name === undefined) continue;
    const before = given.get(name);
    given.set(name, before === undefined ? head.value(index) : `${before}, ${head.value(index)}`);
  }
  return given;
}
