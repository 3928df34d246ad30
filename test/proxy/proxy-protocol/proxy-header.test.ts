import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { parseProxyHeader } from '../../../proxy/proxy-protocol/proxy-header.js';
import { binaryHeader } from '../../support/proxy-headers.js';

const read = (text: string) => parseProxyHeader(Buffer.from(text, 'latin1'));

describe('a PROXY header of version 1', () => {
  test.each([
    ['PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\n', '192.0.2.1'],
    ['PROXY TCP4 255.255.255.255 0.0.0.0 65535 0\r\n', '255.255.255.255'],
    ['PROXY TCP6 2001:DB8:0:0:0:0:0:1 ::1 56324 443\r\n', '2001:db8::1'],
    ['PROXY TCP6 ::ffff:192.0.2.1 ::1 1 2\r\n', '::ffff:192.0.2.1'],
    ['PROXY UNKNOWN\r\n', undefined],
    ['PROXY UNKNOWN 192.0.2.1 whatever it says\r\n', undefined],
    [`PROXY UNKNOWN ${'f'.repeat(91)}\r\n`, undefined],
  ])('says whose the connection is: %j', (line, address) => {
    expect(read(line)).toEqual({ length: line.length, address });
    expect(read(`${line}GET / HTTP/1.1\r\n`)).toEqual({ length: line.length, address });
  });

  test.each([
    ['another protocol', 'PROXY UDP4 192.0.2.1 198.51.100.2 56324 443\r\n', /no known protocol/],
    ['a protocol in lower case', 'PROXY tcp4 192.0.2.1 198.51.100.2 56324 443\r\n', /no known protocol/],
    ['a word that only begins as one', 'PROXY UNKNOWNS\r\n', /no known protocol/],
    ['nothing', 'PROXY \r\n', /no known protocol/],
    ['an address of the other family', 'PROXY TCP4 ::1 ::1 1 2\r\n', /address that is no TCP4/],
    ['an address with zeros in front', 'PROXY TCP4 192.000.2.1 198.51.100.2 1 2\r\n', /address that is no TCP4/],
    ['an address that is too large', 'PROXY TCP4 192.0.2.256 198.51.100.2 1 2\r\n', /address that is no TCP4/],
    ['an address with a zone', 'PROXY TCP6 fe80::1%lo ::1 1 2\r\n', /address that is no TCP6/],
    ['a wrong destination', 'PROXY TCP4 192.0.2.1 here 1 2\r\n', /address that is no TCP4/],
    ['a port too large', 'PROXY TCP4 192.0.2.1 198.51.100.2 65536 443\r\n', /two ports/],
    ['a port with a zero in front', 'PROXY TCP4 192.0.2.1 198.51.100.2 01 443\r\n', /two ports/],
    ['a port with a sign', 'PROXY TCP4 192.0.2.1 198.51.100.2 +1 443\r\n', /two ports/],
    ['a missing port', 'PROXY TCP4 192.0.2.1 198.51.100.2 443\r\n', /two ports/],
    ['one word more', 'PROXY TCP4 192.0.2.1 198.51.100.2 1 2 3\r\n', /two ports/],
    ['a space at the end', 'PROXY TCP4 192.0.2.1 198.51.100.2 1 2 \r\n', /two ports/],
    ['two spaces', 'PROXY  TCP4 192.0.2.1 198.51.100.2 1 2\r\n', /no known protocol/],
    ['an end by LF alone', `PROXY TCP4 192.0.2.1 198.51.100.2 1 2\n${' '.repeat(80)}`, /longer than 107/],
    ['108 octets', `PROXY UNKNOWN ${'f'.repeat(92)}\r\n`, /longer than 107/],
    ['lower case', 'proxy TCP4', /does not begin/],
    ['a request', 'GET / HTTP/1.1\r\n', /does not begin/],
    ['a TLS hello', '\x16\x03\x01', /does not begin/],
  ])('is refused with %s', (_what, text, says) => {
    expect(read(text)).toEqual({ fault: expect.stringMatching(says) });
  });

  test.each(['', 'P', 'PROXY ', 'PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r', `PROXY ${' '.repeat(100)}`])(
    'is not over yet: %j',
    (text) => expect(read(text)).toBe('incomplete'),
  );
});

const IPV4 = [192, 0, 2, 1, 198, 51, 100, 2, 0xdc, 4, 1, 187];
const IPV6 = [0x20, 1, 0xd, 0xb8, ...Array<number>(11).fill(0), 1, ...Array<number>(20).fill(0)];
const UNIX = Array<number>(216).fill(0x2f);
/** PP2_TYPE_AUTHORITY with `a`, as section 2.2 has it. */
const TLV = [2, 0, 1, 0x61];

describe('a PROXY header of version 2', () => {
  test.each([
    ['TCP over IPv4', { family: 0x11, addresses: IPV4 }, '192.0.2.1'],
    ['UDP over IPv4', { family: 0x12, addresses: IPV4 }, '192.0.2.1'],
    ['TCP over IPv6', { family: 0x21, addresses: IPV6 }, '2001:db8::1'],
    ['UDP over IPv6', { family: 0x22, addresses: IPV6 }, '2001:db8::1'],
    ['a Unix stream', { family: 0x31, addresses: UNIX }, undefined],
    ['a Unix datagram', { family: 0x32, addresses: UNIX }, undefined],
    ['nobody', { family: 0x00, addresses: [] }, undefined],
    ['LOCAL', { command: 0x20, family: 0x00, addresses: [] }, undefined],
    ['LOCAL with an address', { command: 0x20, family: 0x11, addresses: IPV4 }, undefined],
    ['LOCAL with a family that is none', { command: 0x20, family: 0xff, addresses: [1, 2] }, undefined],
  ])('says whose the connection is: %s', (_what, parts, address) => {
    for (const tlvs of [[], TLV, Array<number>(16_000).fill(0)]) {
      const header = binaryHeader({ ...parts, tlvs });
      expect(parseProxyHeader(header)).toEqual({ length: header.length, address });
      expect(parseProxyHeader(Buffer.concat([header, header]))).toEqual({ length: header.length, address });
      expect(parseProxyHeader(header.subarray(0, -1))).toBe('incomplete');
    }
  });

  test.each([
    ['version 1', { command: 0x11 }, /version or command/],
    ['version 3', { command: 0x31 }, /version or command/],
    ['a command that is none', { command: 0x22 }, /version or command/],
    ['a family that is none', { family: 0x41 }, /no known protocol/],
    ['a transport that is none', { family: 0x13 }, /no known protocol/],
    ['a family without a transport', { family: 0x10 }, /no known protocol/],
    ['fewer octets than an IPv4 pair has', { addresses: IPV4.slice(1) }, /too short/],
    ['fewer octets than an IPv6 pair has', { family: 0x21, addresses: IPV6.slice(1) }, /too short/],
    ['fewer octets than a Unix pair has', { family: 0x31, addresses: UNIX.slice(1) }, /too short/],
    ['more than 16 KiB', { tlvs: Array<number>(16_400).fill(0) }, /longer than 16384/],
  ])('is refused with %s, as soon as it is seen', (_what, parts, says) => {
    const header = binaryHeader({ family: 0x11, addresses: IPV4, ...parts });
    expect(parseProxyHeader(header.subarray(0, 16))).toEqual({ fault: expect.stringMatching(says) });
  });

  test('is refused at the first octet that differs from its start', () => {
    const header = binaryHeader({ family: 0x11, addresses: IPV4 });
    expect(parseProxyHeader(header.subarray(0, 11))).toBe('incomplete');
    expect(parseProxyHeader(Buffer.concat([header.subarray(0, 11), Buffer.from('\0')]))).toHaveProperty('fault');
  });
});

/** Headers, headers with some octets changed, and noise, with something behind them. */
function streams() {
  const line = fc.oneof(
    fc
      .tuple(fc.ipV4(), fc.ipV4(), fc.nat(70_000), fc.nat(70_000))
      .map(([source, destination, from, to]) => `PROXY TCP4 ${source} ${destination} ${from} ${to}\r\n`),
    fc
      .tuple(fc.ipV6(), fc.ipV6(), fc.nat(70_000), fc.nat(70_000))
      .map(([source, destination, from, to]) => `PROXY TCP6 ${source} ${destination} ${from} ${to}\r\n`),
    fc.string({ maxLength: 120 }).map((rest) => `PROXY UNKNOWN ${rest}\r\n`),
  );
  const binary = fc
    .record({
      command: fc.constantFrom(0x20, 0x21, 0x22),
      family: fc.constantFrom(0x00, 0x11, 0x21, 0x31, 0x32, 0x33),
      addresses: fc.array(fc.nat(255), { maxLength: 220 }),
    })
    .map(binaryHeader);
  const octets = fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes));
  const header = fc.oneof(
    line.map((text) => Buffer.from(text, 'latin1')),
    binary,
    octets,
  );
  const change = fc.option(fc.tuple(fc.nat(), fc.nat(255)));
  return fc.tuple(header, change, octets).map(([start, changed, behind]) => {
    const whole = Buffer.concat([start, behind]);
    if (changed !== null && whole.length > 0) whole[changed[0] % whole.length] = changed[1];
    return whole;
  });
}

describe('any octets', () => {
  test('never throw, and are read the same however they are split', () => {
    fc.assert(
      fc.property(streams(), fc.array(fc.nat(), { maxLength: 8 }), (octets, cuts) => {
        const whole = parseProxyHeader(octets);
        for (const cut of cuts) {
          const reading = parseProxyHeader(octets.subarray(0, cut % (octets.length + 1)));
          if (reading !== 'incomplete') expect(reading).toEqual(whole);
        }
        if (typeof whole !== 'string' && 'length' in whole) {
          expect(parseProxyHeader(octets.subarray(0, whole.length))).toEqual(whole);
          expect(parseProxyHeader(octets.subarray(0, whole.length - 1))).toBe('incomplete');
        }
      }),
      { numRuns: 2_000 },
    );
  });
});
