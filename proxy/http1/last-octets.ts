// The octets of a head, kept to see whether the next one is the same: clients repeat their requests and servers their
// answers, and what was made of a head holds for every head of the same octets.

import { wordsOf } from './shared-block.js';

/** Longer heads carry cookies or tokens: they would be kept for long, and are compared at every message. */
const MAX_BYTES = 1024;
/** The least room for them. Beyond it Buffer.compare is faster than a loop over words. */
const WORDWISE_BYTES = 256;
/** Octets in a word. */
const WORD = 4;

const NOTHING: Buffer = Buffer.alloc(0);

export class LastOctets {
  #octets = NOTHING;
  /** The first of them, four at a time. */
  #words: Int32Array = new Int32Array();
  #length = 0;

  /** How many are kept; 0 when nothing is. */
  get length(): number {
    return this.#length;
  }

  /** Whether `bytes`, up to `end`, begins with them. False when nothing is kept. */
  areFirstOf(bytes: Buffer, end: number): boolean {
    const length = this.#length;
    if (length === 0 || end < length) return false;
    // Before the empty line: where a length or a token ends, most heads that differ do so here.
    const telling = length - 5;
    if (bytes[telling] !== this.#octets[telling]) return false;
    const words = length > WORDWISE_BYTES ? undefined : wordsOf(bytes);
    if (words === undefined) return this.#octets.compare(bytes, 0, length, 0, length) === 0;
    return this.#areFirstOfWords(words, bytes);
  }

  #areFirstOfWords(words: Int32Array, bytes: Buffer): boolean {
    const own = this.#words;
    const whole = Math.floor(this.#length / WORD);
    for (let index = 0; index < whole; index += 1) if (words[index] !== own[index]) return false;
    for (let index = whole * WORD; index < this.#length; index += 1)
      if (bytes[index] !== this.#octets[index]) return false;
    return true;
  }

  /** Keeps the first ones of `bytes` instead, or nothing where they are too many. */
  keep(bytes: Buffer, length: number): void {
    this.#length = 0;
    if (length > MAX_BYTES) return;
    if (length > this.#octets.length) this.#makeRoom(length);
    bytes.copy(this.#octets, 0, 0, length);
    this.#length = length;
  }

  forget(): void {
    this.#length = 0;
  }

  #makeRoom(length: number): void {
    this.#octets = Buffer.allocUnsafeSlow(Math.max(WORDWISE_BYTES, length));
    this.#words = new Int32Array(this.#octets.buffer, 0, WORDWISE_BYTES / WORD);
  }
}
