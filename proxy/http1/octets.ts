// Which octets may stand where in an HTTP/1.1 head: one table look-up an octet. HTTP is octets, not text (RFC 9112
// section 2.2), so nothing here knows an encoding.

/** tchar (RFC 9110 section 5.6.2): methods and field names. */
export const TOKEN = 1;
/** What a field value may hold: SP, HTAB, VCHAR, obs-text (RFC 9110 section 5.5). */
export const VALUE = 2;
/** Visible US-ASCII but the # that no request target may carry (RFC 9112 section 3.2). */
export const TARGET = 4;
/** Legal in a name, but a dash to servers in the CGI tradition. */
export const UNDERSCORE = 8;
export const DIGIT = 16;

export const CR = 0x0d;
export const LF = 0x0a;
export const SP = 0x20;
export const HTAB = 0x09;
export const COLON = 0x3a;
export const SEMICOLON = 0x3b;

export const OCTET_CLASS = classTable();

export function isDigit(octet: number): boolean {
  return (OCTET_CLASS[octet]! & DIGIT) !== 0;
}

/** The value of a hexadecimal digit, or -1. */
export const HEX_VALUE = hexTable();

/** Octets as a string of as many characters. */
export function textOf(bytes: Buffer, start = 0, end = bytes.length): string {
  // Not in the types of Node 20; `toString('latin1')` comes to the same after looking the encoding up.
  return (bytes as unknown as { latin1Slice(start: number, end: number): string }).latin1Slice(start, end);
}

/** Longer texts repeat less, and would be kept for long. */
const MAX_REPEATED_BYTES = 256;

/** Strings of octets that are mostly the same as last time, as targets and hosts are: then no new one is made. */
export class RepeatedText {
  #last = '';

  of(bytes: Buffer, start: number, end: number): string {
    if (equalsText(bytes, start, end, this.#last)) return this.#last;
    const text = textOf(bytes, start, end);
    if (text.length <= MAX_REPEATED_BYTES) this.#last = text;
    return text;
  }
}

function equalsText(bytes: Buffer, start: number, end: number, text: string): boolean {
  if (text.length !== end - start) return false;
  for (let index = 0; index < text.length; index += 1)
    if (bytes[start + index] !== text.charCodeAt(index)) return false;
  return true;
}

function classTable(): Uint8Array {
  const table = new Uint8Array(256);
  for (let octet = 0x21; octet <= 0x7e; octet += 1) table[octet] = VALUE | (octet === 0x23 ? 0 : TARGET);
  for (let octet = 0x80; octet <= 0xff; octet += 1) table[octet] = VALUE;
  table[SP] = VALUE;
  table[HTAB] = VALUE;
  const tchars = "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  for (const tchar of tchars) table[tchar.charCodeAt(0)]! |= TOKEN;
  for (const digit of '0123456789') table[digit.charCodeAt(0)]! |= DIGIT;
  table['_'.charCodeAt(0)]! |= UNDERSCORE;
  return table;
}

function hexTable(): Int8Array {
  const table = new Int8Array(256).fill(-1);
  for (let value = 0; value < 16; value += 1) {
    const digit = value.toString(16);
    table[digit.charCodeAt(0)] = value;
    table[digit.toUpperCase().charCodeAt(0)] = value;
  }
  return table;
}
