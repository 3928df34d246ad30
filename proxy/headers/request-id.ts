// X-Request-Id: the client's own when it is sane, else one of ours: a random prefix of this process and a counter. One of ours
// is a number until somebody asks for its text: most are only sent on, as octets within a head.

import type { Random } from '../../src/core/random.js';

const SANE = /^[A-Za-z0-9._~+/=-]{1,128}$/;
const RADIX = 36;
const DIGITS = Buffer.from('0123456789abcdefghijklmnopqrstuvwxyz');
const PREFIX_DIGITS = 8;

export class RequestIds {
  readonly prefix: string;
  #counter = 0;

  constructor(random: Random) {
    const start = Math.floor(random() * RADIX ** PREFIX_DIGITS);
    this.prefix = `${start.toString(RADIX).padStart(PREFIX_DIGITS, '0')}-`;
  }

  /** What the client sent, if anything, where it goes on as it is. */
  kept(given: string | undefined): string | undefined {
    return given !== undefined && SANE.test(given) ? given : undefined;
  }

  /** What tells the next one of ours from the others. */
  next(): number {
    this.#counter += 1;
    return this.#counter;
  }
}

/** The id of one request at a time. */
export class RequestId {
  readonly #ids: RequestIds;
  #serial = 0;
  #text: string | undefined;

  constructor(ids: RequestIds) {
    this.#ids = ids;
  }

  /** Of another request. `given`: the client's own, where it goes on as it is. */
  begin(given: string | undefined): void {
    this.#text = given;
    if (given === undefined) this.#serial = this.#ids.next();
  }

  get text(): string {
    this.#text ??= this.#ids.prefix + this.#serial.toString(RADIX);
    return this.#text;
  }

  get length(): number {
    return this.#text?.length ?? this.#ids.prefix.length + digitsOf(this.#serial);
  }

  putInto(octets: Buffer, start: number): void {
    if (this.#text !== undefined) return void octets.write(this.#text, start, 'latin1');
    const { prefix } = this.#ids;
    for (let index = 0; index < prefix.length; index += 1) octets[start + index] = prefix.charCodeAt(index);
    const first = start + prefix.length;
    let rest = this.#serial;
    for (let index = first + digitsOf(rest) - 1; index >= first; index -= 1) {
      const higher = Math.floor(rest / RADIX);
      octets[index] = DIGITS[rest - higher * RADIX]!;
      rest = higher;
    }
  }
}

function digitsOf(serial: number): number {
  let digits = 1;
  for (let bound = RADIX; serial >= bound; bound *= RADIX) digits += 1;
  return digits;
}
