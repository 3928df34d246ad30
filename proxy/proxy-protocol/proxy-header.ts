// The header with which a proxy in front of us says whose connection it brings: the PROXY protocol, versions 1 and 2
// (HAProxy's proxy-protocol.txt, sections 2.1 and 2.2). Pure: what has come so far in, a reading out. It is the same for
// whatever else comes behind, and only what can still become a header is incomplete.

import { isIPv4, isIPv6, SocketAddress } from 'node:net';

export type ProxyHeaderReading =
  | 'incomplete'
  | {
      /** In octets; what comes behind is the connection's own. */
      readonly length: number;
      /** Whom the connection comes from. Undefined: the header says nobody, so it is whoever connected. */
      readonly address: string | undefined;
    }
  | { readonly fault: string };

const LINE_START = Buffer.from('PROXY ', 'latin1');
const BINARY_START = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');

/** Section 2.1: the longest line there can be, its end included. */
const MAX_LINE_BYTES = 107;
/** Section 2.2: what comes before the addresses. */
const FIXED_BYTES = 16;
/** What may follow the addresses has no bound but 64 KiB; a certificate of the client's is the largest in use. */
const MAX_BINARY_BYTES = 16 * 1024;

const LOCAL = 0x20;
const PROXY = 0x21;

/** Section 2.2: family and transport, and how many octets their addresses take. Others must be refused. */
const ADDRESS_BYTES: ReadonlyMap<number, number> = new Map([
  [0x00, 0],
  [0x11, 12],
  [0x12, 12],
  [0x21, 36],
  [0x22, 36],
  [0x31, 216],
  [0x32, 216],
]);

export function parseProxyHeader(octets: Buffer): ProxyHeaderReading {
  if (canBe(octets, BINARY_START)) return octets.length < FIXED_BYTES ? 'incomplete' : parseBinary(octets);
  if (canBe(octets, LINE_START)) return parseLine(octets);
  return { fault: 'the connection does not begin with a PROXY header' };
}

/** As far as it has come. */
function canBe(octets: Buffer, start: Buffer): boolean {
  return octets.subarray(0, start.length).equals(start.subarray(0, octets.length));
}

/** `PROXY TCP4 192.0.2.1 198.51.100.2 56324 443`, up to CRLF. */
function parseLine(octets: Buffer): ProxyHeaderReading {
  const end = octets.subarray(0, MAX_LINE_BYTES).indexOf('\r\n', 0, 'latin1');
  if (end < 0) {
    return octets.length < MAX_LINE_BYTES ? 'incomplete' : { fault: `the PROXY line is longer than ${MAX_LINE_BYTES}` };
  }
  const length = end + 2;
  const line = octets.toString('latin1', LINE_START.length, end);
  // Section 2.1: whatever else stands in such a line is ignored.
  if (line === 'UNKNOWN' || line.startsWith('UNKNOWN ')) return { length, address: undefined };
  const [family, source = '', destination = '', sourcePort = '', destinationPort = '', ...more] = line.split(' ');
  const isAddress = family === 'TCP4' ? isIPv4 : family === 'TCP6' ? isPlainIPv6 : undefined;
  if (isAddress === undefined) return { fault: 'the PROXY line names no known protocol' };
  if (!isAddress(source) || !isAddress(destination))
    return { fault: `the PROXY line has an address that is no ${family}` };
  if (!isPort(sourcePort) || !isPort(destinationPort) || more.length > 0)
    return { fault: 'the PROXY line does not end with two ports' };
  return { length, address: family === 'TCP6' ? canonical(source) : source };
}

/** Without a zone, which means something on one machine alone. */
function isPlainIPv6(text: string): boolean {
  return isIPv6(text) && !text.includes('%');
}

/** Section 2.1: no zeros in front. */
function isPort(text: string): boolean {
  return /^(0|[1-9]\d{0,4})$/.test(text) && Number(text) <= 65_535;
}

function parseBinary(octets: Buffer): ProxyHeaderReading {
  const command = octets[12]!;
  const family = octets[13]!;
  const length = FIXED_BYTES + octets.readUInt16BE(14);
  if (command !== LOCAL && command !== PROXY) return { fault: 'the PROXY header has another version or command' };
  // Section 2.2: what a LOCAL one says of addresses is skipped unread.
  const addressBytes = command === LOCAL ? 0 : ADDRESS_BYTES.get(family);
  if (addressBytes === undefined) return { fault: 'the PROXY header names no known protocol' };
  if (length < FIXED_BYTES + addressBytes) return { fault: 'the PROXY header is too short for its addresses' };
  if (length > MAX_BINARY_BYTES) return { fault: `the PROXY header is longer than ${MAX_BINARY_BYTES}` };
  if (octets.length < length) return 'incomplete';
  return { length, address: addressBytes === 0 ? undefined : sourceOf(octets, family) };
}

/** Undefined for a Unix socket: its path is no address that anybody could go by. */
function sourceOf(octets: Buffer, family: number): string | undefined {
  if (family >> 4 === 1) return octets.subarray(FIXED_BYTES, FIXED_BYTES + 4).join('.');
  if (family >> 4 !== 2) return undefined;
  const groups = Array.from({ length: 8 }, (_, index) => octets.readUInt16BE(FIXED_BYTES + 2 * index).toString(16));
  return canonical(groups.join(':'));
}

/** As the system writes the addresses of sockets (RFC 5952), so that one client has one name. */
function canonical(address: string): string {
  return new SocketAddress({ address, family: 'ipv6' }).address;
}
