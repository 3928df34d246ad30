// RFC 9112 sections 6 and 7: where a request ends. What is in doubt is refused, and the connection with it.

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ConformanceRig, LANES, type Expected, type Outcome, type Row } from '../../support/conformance-rig.js';
import { valuesOf } from '../../support/strict-http.js';

const G = 'GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n';
const post = (fields: string, rest = '') => `POST / HTTP/1.1\r\nHost: a\r\n${fields}\r\n${rest}`;
const chunked = (rest: string) => post('Transfer-Encoding: chunked\r\n', rest);
const refused = (what: string, send: string, status: Expected = 400): Row => ({ what, send, answers: [status] });
const served = (what: string, send: string, also?: Row['also']): Row => ({
  what,
  send,
  answers: [200],
  seen: ['POST /'],
  also,
});
const body =
  (expected: string) =>
  ({ requests }: Outcome) =>
    expect(requests[0]!.body).toBe(expected);

const BAD_LENGTHS = [
  '+5',
  '-0',
  '-5',
  '0x5',
  '5 5',
  '5,5',
  '5, 5',
  '5e0',
  '0_5',
  '5;',
  '"5"',
  'five',
  '',
  '\x0b5',
  '5\x00',
  '٥',
];

const LENGTHS: Row[] = [
  ...BAD_LENGTHS.map((value) => refused(JSON.stringify(value), post(`Content-Length: ${value}\r\n`, 'hello'))),
  refused('two that differ', post('Content-Length: 0\r\nContent-Length: 35\r\n', G)),
  refused('two that are equal', post('Content-Length: 5\r\ncontent-length: 5\r\n', 'hello')),
  refused('an empty one before another', post('Content-Length:\r\nContent-Length: 5\r\n', 'hello')),
  refused('space before the colon', post('Content-Length : 5\r\n', 'hello')),
  refused('beyond what is exact', post('Content-Length: 9007199254740993\r\n', 'x'), [400, 413]),
  refused('beyond 64 bits', post('Content-Length: 18446744073709551621\r\n', 'hello'), [400, 413]),
  served('zeros before it', post('Content-Length: 0005\r\n', 'hello'), body('hello')),
  served('zero', post('Content-Length: 0\r\n'), body('')),
];

const CODINGS: Row[] = [
  refused('beside a length', post('Content-Length: 6\r\nTransfer-Encoding: chunked\r\n', `0\r\n\r\n${G}`)),
  refused('before a length', post('Transfer-Encoding: chunked\r\nContent-Length: 6\r\n', `0\r\n\r\n${G}`)),
  ...['gzip, chunked', 'deflate, chunked', 'x,gzip , Chunked'].map((value) =>
    refused(value, post(`Transfer-Encoding: ${value}\r\n`, `0\r\n\r\n${G}`), 501),
  ),
  ...['chunked, gzip', 'identity', 'gzip', 'x', 'identity, chunked', 'gzip, chunked, chunked'].map((value) =>
    refused(value, post(`Transfer-Encoding: ${value}\r\n`, `0\r\n\r\n${G}`), 400),
  ),
  ...[
    'chunked, chunked',
    '',
    ',chunked',
    'chunked,',
    'chunked, identity',
    'chunked;q=1',
    '\x0bchunked',
    '\xa0chunked',
    'chunked\0',
    'xchunked',
    '"chunked"',
    'chun ked',
    'chunked '.repeat(2),
  ].map((value) =>
    refused(JSON.stringify(value), post(`Transfer-Encoding: ${value}\r\n`, `0\r\n\r\n${G}`), [400, 501]),
  ),
  refused('two lines', post('Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n', `0\r\n\r\n${G}`)),
  refused(
    'a second line with another',
    post('Transfer-Encoding: chunked\r\nTransfer-Encoding: eee\r\n', `0\r\n\r\n${G}`),
    [400, 501],
  ),
  refused('space before the colon', post('Transfer-Encoding : chunked\r\n', `0\r\n\r\n${G}`)),
  refused(
    'in HTTP/1.0',
    `POST / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${G}`,
  ),
  served('in any case', post('transfer-encoding: CHUNKED\r\n', '5\r\nhello\r\n0\r\n\r\n'), body('hello')),
];

const BAD_SIZES = [
  '0x5',
  '+5',
  '-5',
  '0_5',
  ' 5',
  '\t5',
  '',
  'g',
  '5;',
  '5;\x00x',
  '5;a b',
  '5;=x',
  '5;a="x',
  '5;\x01',
  '5 a',
  '5,',
  '5\xa0',
];

const CHUNKS: Row[] = [
  ...BAD_SIZES.map((size) => refused(`size line ${JSON.stringify(size)}`, chunked(`${size}\r\nhello\r\n0\r\n\r\n`))),
  refused('data that goes on', chunked('5\r\nhelloXX0\r\n\r\n')),
  refused('data that ends in LF', chunked('5\r\nhello\n0\r\n\r\n')),
  refused('a size line that ends in LF', chunked('5\nhello\r\n0\r\n\r\n')),
  refused('a size line that ends in CR', chunked('5\rXhello\r\n0\r\n\r\n')),
  refused('an extension that ends in LF', chunked('2;\nxx\r\n4c\r\n0\r\n\r\n')),
  refused('an extension with a bare CR', chunked('5;a\rb\r\nhello\r\n0\r\n\r\n')),
  refused('a last chunk that ends in LF', chunked('0\n\r\n')),
  refused('an end in LF', chunked('0\r\n\n')),
  refused('a size beyond 64 bits', chunked(`10000000000000005\r\nhello\r\n0\r\n\r\n${G}`), [400, 413]),
  refused('a size beyond what is exact', chunked('20000000000001\r\nhello'), [400, 413]),
  refused('a size of many zeros', chunked(`${'0'.repeat(100)}5\r\nhello\r\n0\r\n\r\n`), [400, 413]),
  refused('an extension without end', chunked(`5;${'a'.repeat(70_000)}`), [400, 413]),
  served('several', chunked('5\r\nhello\r\n1\r\n \r\nA\r\n0123456789\r\n000\r\n\r\n'), body('hello 0123456789')),
  served(
    'an extension at each of a thousand chunks',
    chunked(
      `${`1;chunk-signature=${'f'.repeat(64)}\r\nx\r\n`.repeat(1_000)}0;chunk-signature=${'f'.repeat(64)}\r\n\r\n`,
    ),
    body('x'.repeat(1_000)),
  ),
  served('a long extension at one chunk', chunked(`5;a=${'b'.repeat(4_000)}\r\nhello\r\n0\r\n\r\n`), body('hello')),
  refused('a long extension at each of many chunks', chunked(`1;${'a'.repeat(4_000)}\r\nx\r\n`.repeat(10)), [400, 413]),
  refused('an extension longer than one may be', chunked(`5;a=${'b'.repeat(4_100)}\r\nhello\r\n0\r\n\r\n`)),
  served('extensions are dropped', chunked('5;a;b=c;d="e;f"\r\nhello\r\n0;x\r\n\r\n'), ({ requests }) => {
    expect(requests[0]!.body).toBe('hello');
    expect(requests[0]!.raw.split('\r\n\r\n')[1]).not.toMatch(/;/);
  }),
  served('data that looks like a request', chunked(`23\r\n${G}\r\n0\r\n\r\n`), body(G)),
  served('one byte at a time', chunked(`${'1\r\nx\r\n'.repeat(300)}0\r\n\r\n`), body('x'.repeat(300))),
];

const TRAILERS: Row[] = [
  served('are forwarded or dropped, never merged', chunked('1\r\nx\r\n0\r\nX-Sum: 7\r\n\r\n'), ({ requests }) => {
    expect(valuesOf(requests[0]!, 'x-sum')).toEqual([]);
  }),
  ...[
    'Content-Length: 99',
    'Host: evil',
    'Transfer-Encoding: chunked',
    'Connection: close',
    'Authorization: x',
    'Cookie: x',
    'Trailer: x',
  ].map((field): Row => ({
    what: `${field} is dropped or refused`,
    send: chunked(`0\r\n${field}\r\n\r\n`),
    answers: [[200, 400]],
    seen: (status) => (status === 200 ? ['POST /'] : []),
    also: ({ requests }) => {
      for (const { raw } of requests) expect(raw.split('\r\n\r\n')[1] ?? '').not.toContain(field);
    },
  })),
  refused('a malformed one', chunked('0\r\nX Y: 1\r\n\r\n')),
  refused('a folded one', chunked('0\r\nX: 1\r\n 2\r\n\r\n')),
  refused('one that ends in LF', chunked('0\r\nX: 1\n\r\n')),
  refused(
    'without end',
    chunked(`0\r\n${'X-Trailer: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n'.repeat(2_000)}`),
    [400, 413, 431],
  ),
];

const METHODS: Row[] = ['GET', 'HEAD', 'DELETE', 'OPTIONS', 'PUT', 'PATCH', 'BREW'].flatMap((method): Row[] => {
  const head = `${method} /poc HTTP/1.1\r\nHost: a\r\n`;
  const shared = { answers: [200], seen: [`${method} /poc`], methods: [method], also: body(G) };
  return [
    {
      what: `${method} with chunks`,
      send: `${head}Transfer-Encoding: chunked\r\n\r\n23\r\n${G}\r\n0\r\n\r\n`,
      ...shared,
    },
    { what: `${method} with a length`, send: `${head}Content-Length: 35\r\n\r\n${G}`, ...shared },
  ];
});

describe.each(LANES)('conformance, lane %s: framing of requests', (lane) => {
  let rig: ConformanceRig;
  beforeAll(async () => (rig = await ConformanceRig.start(lane)));
  afterAll(() => rig.close());

  describe('Content-Length', () => test.each(LENGTHS)('$what', (row) => rig.run(row)));
  describe('Transfer-Encoding', () => test.each(CODINGS)('$what', (row) => rig.run(row)));
  describe('chunks', () => test.each(CHUNKS)('$what', (row) => rig.run(row)));
  describe('trailers', () => test.each(TRAILERS)('$what', (row) => rig.run(row)));
  describe('all methods alike', () => test.each(METHODS)('$what', (row) => rig.run(row)));

  test('a request without length or coding has no body: what follows is the next request', () =>
    rig.run({
      what: '',
      send: `POST /1 HTTP/1.1\r\nHost: a\r\n\r\n${G}`,
      answers: [200, 200],
      seen: ['POST /1', 'GET /smuggled'],
    }));
});

describe.each(LANES)('conformance, lane %s: the limit of a body', (lane) => {
  let rig: ConformanceRig;
  beforeAll(async () => {
    rig = await ConformanceRig.start(lane, { limits: { maxHeadBytes: 16_384, maxFields: 100, maxBodyBytes: 10 } });
  });
  afterAll(() => rig.close());

  test.each([
    refused('a length above it', post('Content-Length: 11\r\n', 'x'.repeat(11)), 413),
    refused('chunks above it', chunked(`b\r\n${'x'.repeat(11)}\r\n0\r\n\r\n`), 413),
    served('a length at it', post('Content-Length: 10\r\n', 'x'.repeat(10)), body('x'.repeat(10))),
    served('chunks at it', chunked('a\r\n0123456789\r\n0\r\n\r\n'), body('0123456789')),
  ])('$what', (row) => rig.run(row));
});
