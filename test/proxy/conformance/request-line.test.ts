// RFC 9112 sections 2 and 3, RFC 9110 sections 7.1, 7.6.2 and 7.7: what a request line may be and what becomes of it.

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ConformanceRig, LANES, type Row } from '../../support/conformance-rig.js';
import { valuesOf } from '../../support/strict-http.js';

const HOST = 'Host: a\r\n\r\n';
const line = (requestLine: string) => `${requestLine}\r\n${HOST}`;
const refused = (what: string, send: string, status: Row['answers'][0] = 400): Row => ({
  what,
  send,
  answers: [status],
});
const served = (what: string, send: string, ...seen: string[]): Row => ({
  what,
  send,
  answers: seen.map(() => 200),
  seen,
});
const host =
  (expected: string): Row['also'] =>
  ({ requests }) =>
    expect(valuesOf(requests[0]!, 'host')).toEqual([expected]);

/** RFC 9110 section 15.5.6. */
const allows: Row['also'] = ({ responses }) =>
  expect(valuesOf(responses[0]!, 'allow').join()).toMatch(/^GET, HEAD, POST, /);

const SHAPE: Row[] = [
  refused('two spaces after the method', line('GET  / HTTP/1.1')),
  refused('two spaces before the version', line('GET /  HTTP/1.1')),
  refused('a leading space', line(' GET / HTTP/1.1')),
  refused('a trailing space', line('GET / HTTP/1.1 ')),
  refused('a tab for the space', line('GET\t/ HTTP/1.1')),
  refused('a method that is no token', line('G(T / HTTP/1.1')),
  refused('a method with an octet above ASCII', line('G\xc9T / HTTP/1.1')),
  refused('no target', line('GET HTTP/1.1')),
  refused('an empty target', line('GET  HTTP/1.1')),
  served('one empty line before it', `\r\n${line('GET /x HTTP/1.1')}`, 'GET /x'),
  refused('many empty lines before it', `\r\n\r\n\r\n${line('GET / HTTP/1.1')}`),
  refused('a bare LF before it', `\n${line('GET / HTTP/1.1')}`),
  refused('bare LF as line end', 'GET / HTTP/1.1\nHost: a\n\n'),
  refused('bare LF after the request line', 'GET / HTTP/1.1\nHost: a\r\n\r\n'),
  refused('bare LF as the end of the head', 'GET / HTTP/1.1\r\nHost: a\r\n\n'),
  refused('bare CR in the request line', line('GET /\rx HTTP/1.1')),
  refused('bare CR as line end', 'GET / HTTP/1.1\rHost: a\r\n\r\n'),
  refused('a space before the first field', 'GET / HTTP/1.1\r\n Host: a\r\n\r\n'),
  refused('a tab before the first field', 'GET / HTTP/1.1\r\n\tX: b\r\nHost: a\r\n\r\n'),
];

const VERSION: Row[] = [
  refused('HTTP/2.0', line('GET / HTTP/2.0'), 505),
  refused('HTTP/0.9', line('GET / HTTP/0.9'), [400, 505]),
  refused('HTTP/0.9 without a version', 'GET /\r\n\r\n'),
  refused('two digits', line('GET / HTTP/1.10')),
  refused('lower case', line('GET / http/1.1')),
  refused('another protocol', line('GET / XTTP/1.1')),
  refused('something behind it', line('GET / HTTP/1.1x')),
  { ...served('HTTP/1.2 as 1.1', line('GET / HTTP/1.2'), 'GET /'), answers: [[200, 505]] },
  served('HTTP/1.0 with ours on both sides', line('GET /old HTTP/1.0'), 'GET /old'),
];

const METHOD: Row[] = [
  ...['BREW', 'get', '-bl', 'DESCRIBE', 'M-SEARCH', 'PROPFIND'].map((method) =>
    served(`${method} is forwarded`, line(`${method} /m HTTP/1.1`), `${method} /m`),
  ),
  refused('longer than any', line(`${'M'.repeat(9_000)} / HTTP/1.1`), [400, 501]),
  {
    ...refused('CONNECT', 'CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\nGET /inside HTTP/1.1\r\nHost: a\r\n\r\n', 405),
    also: allows,
  },
  refused('CONNECT with a path', line('CONNECT / HTTP/1.1'), [400, 405, 501]),
  { ...refused('TRACE', line('TRACE / HTTP/1.1'), 405), also: allows },
  refused('TRACE with a body', 'TRACE / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi', [400, 405]),
  {
    ...served(
      'OPTIONS that may go no further is answered here',
      'OPTIONS / HTTP/1.1\r\nHost: a\r\nMax-Forwards: 0\r\n\r\n',
    ),
    answers: [[200, 204]],
    also: ({ responses }) => expect(valuesOf(responses[0]!, 'allow')).toHaveLength(1),
  },
  ...[
    ['the last', 'Connection: close\r\n\r\n'],
    ['the last with others', 'Connection: x, close\r\n\r\n'],
    ['one with a body', 'Content-Length: 2\r\n\r\nhi'],
    ['one with a chunked body', 'Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
  ].map(([what, rest]): Row => ({
    what: `OPTIONS that may go no further is answered as the last where it is ${what}`,
    send: `OPTIONS / HTTP/1.1\r\nHost: a\r\nMax-Forwards: 0\r\n${rest}${line('GET /smuggled HTTP/1.1')}`,
    answers: [204],
    also: ({ responses }) => expect(valuesOf(responses[0]!, 'connection')).toEqual(['close']),
  })),
  {
    ...served(
      'OPTIONS that may go further does so once less',
      'OPTIONS /o HTTP/1.1\r\nHost: a\r\nMax-Forwards: 3\r\n\r\n',
      'OPTIONS /o',
    ),
    also: ({ requests }) => expect(valuesOf(requests[0]!, 'max-forwards')).toEqual(['2']),
  },
  {
    ...served(
      'OPTIONS that may go no number of times further does so without a word on it',
      'OPTIONS /o HTTP/1.1\r\nHost: a\r\nMax-Forwards: abc\r\n\r\n',
      'OPTIONS /o',
    ),
    also: ({ requests }) => expect(valuesOf(requests[0]!, 'max-forwards')).toEqual([]),
  },
];

const HEAD: Row[] = (
  [
    ['without Host', 'HEAD / HTTP/1.1\r\n\r\n', 400],
    ['with a bad Host', 'HEAD / HTTP/1.1\r\nHost: a b\r\n\r\n', 400],
    ['with an unknown expectation', `HEAD / HTTP/1.1\r\nExpect: x\r\n${HOST}`, 417],
    ['with a bad field', `HEAD / HTTP/1.1\r\nX : y\r\n${HOST}`, 400],
    ['with a head that is too large', line(`HEAD / HTTP/1.1\r\nX: ${'y'.repeat(17_000)}`), 431],
    ['with a bad target', line('HEAD /# HTTP/1.1'), 400],
    ['with another version', line('HEAD / HTTP/2.0'), 505],
    ['for the asterisk', line('HEAD * HTTP/1.1'), 400],
  ] as const
).map(([what, send, status]) => ({
  ...refused(`one ${what} is refused without a body`, send, status),
  methods: ['HEAD'],
  also: ({ received }) => expect(received).toMatch(/\r\n\r\n$/),
}));

const EXACT = ['/a//b/../c%0d%0a?q=%2F&&x', '/%', '/a?b?c', '/;p=1/=&', '//x', '/\\|{}^"<>`', `/${'x'.repeat(4_000)}`];

const TARGET: Row[] = [
  ...EXACT.map((target) =>
    served(`${target.slice(0, 20)} byte for byte`, line(`GET ${target} HTTP/1.1`), `GET ${target}`),
  ),
  refused('a fragment', line('GET /admin#.png HTTP/1.1')),
  refused('a control octet', line('GET /\x01 HTTP/1.1')),
  refused('NUL', line('GET /a \0.php HTTP/1.1')),
  refused('an octet above ASCII', line('GET /\xe9 HTTP/1.1')),
  refused('DEL', line('GET /\x7f HTTP/1.1')),
  refused('no slash', line('GET x HTTP/1.1')),
  refused('too long', line(`GET /${'x'.repeat(20_000)} HTTP/1.1`), 414),
  {
    ...served('an absolute one', line('GET http://b.example:81/x?y HTTP/1.1'), 'GET /x?y'),
    also: host('b.example:81'),
  },
  { ...served('an absolute one without a path', line('GET HTTP://b HTTP/1.1'), 'GET /'), also: host('b') },
  { ...served('an absolute one with a query alone', line('GET http://b?q HTTP/1.1'), 'GET /?q'), also: host('b') },
  refused('userinfo', line('GET http://u:p@b/ HTTP/1.1')),
  refused('an absolute one without authority', line('GET http:///x HTTP/1.1')),
  refused('another scheme', line('GET ftp://b/ HTTP/1.1')),
  refused('https on a clear connection', line('GET https://b/ HTTP/1.1')),
  refused('an absolute one with a bad port', line('GET http://b:80x/ HTTP/1.1')),
  refused('an absolute one with a fragment', line('GET http://b/#x HTTP/1.1')),
  refused('an absolute one beside two Hosts', 'GET http://b/ HTTP/1.1\r\nHost: b\r\nHost: b\r\n\r\n'),
  refused('an absolute one beside a bad Host', 'GET http://b/ HTTP/1.1\r\nHost: a@b c\r\n\r\n'),
  refused('an absolute one without Host', 'GET http://b/ HTTP/1.1\r\n\r\n'),
  {
    ...served('an absolute one beside an empty Host', 'GET http://b/ HTTP/1.1\r\nHost:\r\n\r\n', 'GET /'),
    also: host('b'),
  },
  { ...served('an absolute one in HTTP/1.0 without Host', 'GET http://b/ HTTP/1.0\r\n\r\n', 'GET /'), also: host('b') },
  served('the asterisk with OPTIONS', line('OPTIONS * HTTP/1.1'), 'OPTIONS *'),
  {
    ...served('an absolute one without a path with OPTIONS', line('OPTIONS http://b HTTP/1.1'), 'OPTIONS *'),
    also: host('b'),
  },
  refused('the asterisk with GET', line('GET * HTTP/1.1')),
  refused('authority form with GET', line('GET a:80 HTTP/1.1')),
];

describe.each(LANES)('conformance, lane %s: the request line', (lane) => {
  let rig: ConformanceRig;
  beforeAll(async () => (rig = await ConformanceRig.start(lane)));
  afterAll(() => rig.close());

  describe('its shape', () => test.each(SHAPE)('$what', (row) => rig.run(row)));
  describe('the version', () => test.each(VERSION)('$what', (row) => rig.run(row)));
  describe('the method', () => test.each(METHOD)('$what', (row) => rig.run(row)));
  describe('HEAD', () => test.each(HEAD)('$what', (row) => rig.run(row)));
  describe('the target', () => test.each(TARGET)('$what', (row) => rig.run(row)));

  test('a request that has come through here before is refused', async () => {
    let via = '';
    await rig.run({
      ...served('first', line('GET /1 HTTP/1.1'), 'GET /1'),
      also: ({ requests }) => (via = valuesOf(requests[0]!, 'via')[0]!),
    });
    await rig.run(refused('second', `GET /2 HTTP/1.1\r\nVia: 1.1 other, ${via}\r\n${HOST}`, [502, 508]));
  });
});
