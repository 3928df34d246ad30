// What says how long a body is (RFC 9112 section 6), read strictly: a length is digits and nothing else, a coding is one
// `chunked` and nothing else. Shared by requests and responses.

import { DIGIT, HTAB, OCTET_CLASS, SP } from './octets.js';

/** More digits could not be counted exactly in a double. */
const MAX_LENGTH_DIGITS = 15;

/**
 * A tab behind the value of a field that says where a body ends. It is legal (RFC 9110 section 5.5), but readers differ on
 * it: llhttp takes the whole message for broken.
 */
export function hasTabBehind(bytes: Buffer, valueEnd: number): boolean {
  let position = valueEnd;
  while (bytes[position] === SP) position += 1;
  return bytes[position] === HTAB;
}

/** The value of a Content-Length, or -1 when it is not 1 to 15 digits. */
export function parseLength(bytes: Buffer, start: number, end: number): number {
  if (end === start || end - start > MAX_LENGTH_DIGITS) return -1;
  let length = 0;
  for (let position = start; position < end; position += 1) {
    const octet = bytes[position]!;
    if ((OCTET_CLASS[octet]! & DIGIT) === 0) return -1;
    length = length * 10 + (octet - 0x30);
  }
  return length;
}

/** Whether the octets are `word`, letter case aside. `word` is lower case. */
export function isWord(bytes: Buffer, start: number, end: number, word: string): boolean {
  if (end - start !== word.length) return false;
  for (let index = 0; index < word.length; index += 1) {
    if ((bytes[start + index]! | 0x20) !== word.charCodeAt(index)) return false;
  }
  return true;
}
