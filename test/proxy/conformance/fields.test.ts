// RFC 9110 sections 5 and 7.6, RFC 9112 sections 3.2 and 5: fields of a request on their way to the backend.

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ConformanceRig, LANES, type Outcome, type Row } from '../../support/conformance-rig.js';
import { valuesOf } from '../../support/strict-http.js';

const get = (fields: string) => `GET / HTTP/1.1\r\nHost: a\r\n${fields}\r\n`;
const refused = (what: string, send: string, status: Row['answers'][0] = 400): Row => ({
  what,
  send,
  answers: [status],
});
const served = (what: string, send: string, also?: Row['also']): Row => ({
  what,
  send,
  answers: [200],
  seen: ['GET /'],
  also,
});
const sees =
  (name: string, ...values: string[]) =>
  ({ requests }: Outcome) =>
    expect(valuesOf(requests[0]!, name)).toEqual(values);
const seesNone =
  (...names: string[]) =>
  ({ requests }: Outcome) => {
    for (const name of names) expect([name, ...valuesOf(requests[0]!, name)]).toEqual([name]);
  };

const SYNTAX: Row[] = [
  refused('space before the colon', get('X : y\r\n')),
  refused('tab before the colon', get('X\t: y\r\n')),
  refused('empty name', get(': y\r\n')),
  refused('no colon', get('Xy\r\n')),
  refused('name that is no token', get('X(: y\r\n')),
  refused('name with NUL', get('X\0: y\r\n')),
  refused('name above ASCII', get('X\xe9: y\r\n')),
  ...['\0', '\x01', '\x08', '\x0b', '\x0c', '\x1f', '\x7f'].map((octet) =>
    refused(`octet ${octet.charCodeAt(0)} in a value`, get(`X: a${octet}b\r\n`)),
  ),
  refused('bare CR in a value', get('X: a\rb\r\n')),
  refused('bare LF in a value', get('X: a\nb\r\n')),
  refused('CR before the end of a value', get('X: a\r\r\n')),
  refused('obs-fold with a space', get('X: a\r\n b\r\n')),
  refused('obs-fold with a tab', get('X: a\r\n\tb\r\n')),
  refused('obs-fold in Host', 'GET / HTTP/1.1\r\nHost:\r\n a\r\n\r\n'),
  refused('a line of one space before the end', get('X: a\r\n \r\n')),
  served('tabs inside and octets above ASCII untouched', get('X-T: a\tb\xe9\xff\r\n'), sees('x-t', 'a\tb\xe9\xff')),
  served('space around a value is no part of it', get('X-T:\t  a b \t\r\n'), sees('x-t', 'a b')),
  served('an empty value', get('X-T:\r\n'), sees('x-t', '')),
  served('odd names', get("!#$%&'*+.^_`|~0: 1\r\n"), sees("!#$%&'*+.^_`|~0", '1')),
];

const LIMITS: Row[] = [
  refused('a field too large', get(`X: ${'y'.repeat(17_000)}\r\n`), 431),
  refused(
    'a head too large',
    get(Array.from({ length: 90 }, (_, index) => `X-${index}: ${'y'.repeat(200)}\r\n`).join('')),
    431,
  ),
  refused('a head without end', `GET / HTTP/1.1\r\nHost: a\r\nX: ${'y'.repeat(40_000)}`, 431),
  refused('too many fields', get(Array.from({ length: 120 }, (_, index) => `X-${index}: y\r\n`).join('')), 431),
];

const BAD_HOSTS = [
  'a@b',
  'a/b',
  'a\\b',
  'a?b',
  'a#b',
  'a,b',
  'a, b',
  'a b',
  'h:80:80',
  'h:80x',
  'h:999999',
  '[::1',
  '::1]',
  '[::1]x',
  '[4712::abcd::]',
  'a\xe9',
  '[x]',
  '"a"',
  '<a>',
];
const GOOD_HOSTS = ['a', 'a:80', '[::1]:80', '[::1]', '127.0.0.1:1', '4294967295', 'A.example.', 'x_y', '%41'];

const HOSTS: Row[] = [
  refused('none', 'GET / HTTP/1.1\r\nX: y\r\n\r\n'),
  refused('two', 'GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n'),
  refused('two that are equal', 'GET / HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n'),
  refused('two in HTTP/1.0', 'GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n'),
  ...BAD_HOSTS.map((value) => refused(value, `GET / HTTP/1.1\r\nHost: ${value}\r\n\r\n`)),
  ...GOOD_HOSTS.map((value) => served(value, `GET / HTTP/1.1\r\nHost: ${value}\r\n\r\n`, sees('host', value))),
  served('none in HTTP/1.0', 'GET / HTTP/1.0\r\n\r\n', ({ requests }) =>
    expect(valuesOf(requests[0]!, 'host')).toEqual(['localhost']),
  ),
];

const PROTECTED = 'Host, Content-Length, Cookie, Authorization, X-Forwarded-For, X-Forwarded-Proto, Forwarded, Via';

const HOP_BY_HOP: Row[] = [
  served(
    'what Connection names goes, from all its lines',
    get(
      'Connection: X-One ,, x-two\r\nX-One: 1\r\nX-Two: 2\r\nX-Three: 3\r\nConnection: keep-alive,X-Three\r\nX-Four: 4\r\n',
    ),
    (outcome) => {
      seesNone('x-one', 'x-two', 'x-three')(outcome);
      sees('x-four', '4')(outcome);
    },
  ),
  served(
    'what Connection must not name stays',
    get(`Connection: keep-alive, ${PROTECTED}\r\nCookie: c=1\r\nAuthorization: Basic x\r\n`),
    (outcome) => {
      sees('host', 'a')(outcome);
      sees('cookie', 'c=1')(outcome);
      sees('authorization', 'Basic x')(outcome);
      sees('x-forwarded-for', '127.0.0.1')(outcome);
      sees('x-forwarded-proto', 'http')(outcome);
      expect(valuesOf(outcome.requests[0]!, 'via')).toHaveLength(1);
    },
  ),
  served(
    'what belongs to the connection goes anyway',
    get(
      'Proxy-Connection: keep-alive\r\nKeep-Alive: timeout=5\r\nTE: gzip, chunked\r\nTrailer: X\r\nUpgrade: h2c\r\nHTTP2-Settings: x\r\nProxy-Authorization: Basic x\r\nConnection: Upgrade, HTTP2-Settings\r\n',
    ),
    seesNone('proxy-connection', 'keep-alive', 'trailer', 'upgrade', 'http2-settings', 'proxy-authorization'),
  ),
  served(
    'TE is forwarded as trailers or not at all',
    get('TE: trailers;q=0.5, chunked\r\nConnection: TE\r\n'),
    ({ requests }) => expect(valuesOf(requests[0]!, 'te').filter((value) => value !== 'trailers')).toEqual([]),
  ),
  served(
    'an Upgrade that is not configured is ignored',
    get('Connection: Upgrade\r\nUpgrade: foo\r\n'),
    seesNone('upgrade'),
  ),
];

const CLAIMS = [
  'Front-End-Https',
  'X-Forwarded-Prefix',
  'X-Forwarded-Protocol',
  'X-Forwarded-Scheme',
  'X-Forwarded-Server',
  'X-Forwarded-Ssl',
  'X-Client-IP',
  'X-Cluster-Client-IP',
  'X-Original-Forwarded-For',
  'X-Original-Host',
  'X-Real-IP',
  'X-Scheme',
  'X-Url-Scheme',
];

const FORWARDED: Row[] = [
  served(
    'order and lines are kept',
    get('X-A: 1\r\nX-B: 2\r\nx-a: 3\r\nCookie: a=1\r\nCookie: b=2\r\nContent-Type: x\r\nContent-Type: y\r\n'),
    ({ requests }) => {
      const kept = requests[0]!.fields.filter(([name]) => /^(x-[ab]|cookie|content-type)$/i.test(name));
      expect(kept).toEqual([
        ['X-A', '1'],
        ['X-B', '2'],
        ['x-a', '3'],
        ['Cookie', 'a=1'],
        ['Cookie', 'b=2'],
        ['Content-Type', 'x'],
        ['Content-Type', 'y'],
      ]);
    },
  ),
  served('Via is added', get(''), ({ requests }) => expect(valuesOf(requests[0]!, 'via').join()).toMatch(/^1\.1 \S+$/)),
  served('Via is added to what is there', get('Via: 1.0 x, 1.1 y\r\nVia: 1.1 z\r\n'), ({ requests }) =>
    expect(valuesOf(requests[0]!, 'via').join(', ')).toMatch(/^1\.0 x, 1\.1 y, 1\.1 z, 1\.1 [^ ,]+$/),
  ),
  served('Via tells the version that came', 'GET / HTTP/1.0\r\nHost: a\r\n\r\n', ({ requests }) =>
    expect(valuesOf(requests[0]!, 'via').join()).toMatch(/^1\.0 \S+$/),
  ),
  served(
    'conditions and ranges are not ours',
    get('If-None-Match: "x"\r\nIf-Modified-Since: y\r\nRange: bytes=0-1\r\nAuthorization: Bearer t\r\n'),
    (outcome) => {
      sees('if-none-match', '"x"')(outcome);
      sees('if-modified-since', 'y')(outcome);
      sees('range', 'bytes=0-1')(outcome);
      sees('authorization', 'Bearer t')(outcome);
    },
  ),
  served(
    'what an untrusted client says of its origin is replaced, on all lines and under all names',
    get(
      'X-Forwarded-For: 6.6.6.6\r\nX-Forwarded-For: 7.7.7.7\r\nX_Forwarded_For: 8.8.8.8\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: evil\r\nX-Forwarded-Port: 1\r\nForwarded: for=6.6.6.6\r\nX-Request-Id: a b\r\n',
    ),
    (outcome) => {
      sees('x-forwarded-for', '127.0.0.1')(outcome);
      sees('x-forwarded-proto', 'http')(outcome);
      sees('x-forwarded-host', 'a')(outcome);
      seesNone('x_forwarded_for', 'x-forwarded-port')(outcome);
      expect(outcome.requests[0]!.raw).not.toMatch(/6\.6\.6\.6|7\.7\.7\.7|8\.8\.8\.8|evil|a b/);
    },
  ),
  ...CLAIMS.map((name) =>
    served(
      `${name} of an untrusted client goes, under all its spellings`,
      get(`${name}: evil\r\n${name.toUpperCase()}: evil\r\n${name.replaceAll('-', '_')}: evil\r\n`),
      ({ requests }) => expect(requests[0]!.raw).not.toMatch(/evil/),
    ),
  ),
  ...(
    [
      ['a bad one before a good one', ['<b>"', 'ok'], /^[a-z0-9-]+$/],
      ['a good one before a bad one', ['ok', '<b>"'], /^ok$/],
      ['three good ones', ['one', 'two', 'three'], /^one$/],
    ] as const
  ).map(([what, ids, expected]) =>
    served(
      `one X-Request-Id goes on of ${what}`,
      get(ids.map((id) => `X-Request-Id: ${id}\r\n`).join('')),
      (outcome) => {
        const seen = valuesOf(outcome.requests[0]!, 'x-request-id');
        expect(seen).toEqual([expect.stringMatching(expected)]);
        expect(ids.slice(1)).not.toContain(seen[0]);
      },
    ),
  ),
  served(
    'other spellings of guarded fields are dropped, other underscores pass',
    get('Content_Length: 5\r\nTransfer_Encoding: chunked\r\nHost_: x\r\nx_custom: 1\r\n'),
    (outcome) => {
      seesNone('content_length', 'transfer_encoding')(outcome);
      sees('x_custom', '1')(outcome);
    },
  ),
];

describe.each(LANES)('conformance, lane %s: request fields', (lane) => {
  let rig: ConformanceRig;
  beforeAll(async () => (rig = await ConformanceRig.start(lane)));
  afterAll(() => rig.close());

  describe('syntax', () => test.each(SYNTAX)('$what', (row) => rig.run(row)));
  describe('limits', () => test.each(LIMITS)('$what', (row) => rig.run(row)));
  describe('Host', () => test.each(HOSTS)('$what', (row) => rig.run(row)));
  describe('fields of the connection', () => test.each(HOP_BY_HOP)('$what', (row) => rig.run(row)));
  describe('what is forwarded', () => test.each(FORWARDED)('$what', (row) => rig.run(row)));
});

describe.each(LANES)('conformance, lane %s: request fields of a trusted client', (lane) => {
  let rig: ConformanceRig;
  beforeAll(async () => (rig = await ConformanceRig.start(lane, { trustedProxies: ['127.0.0.1'] })));
  afterAll(() => rig.close());

  test.each(CLAIMS)('%s goes on as it was given', (name) =>
    rig.run(
      served(
        name,
        get(`Connection: ${name}\r\n${name}: given\r\n${name.replaceAll('-', '_')}: evil\r\n`),
        (outcome) => {
          sees(name.toLowerCase(), 'given')(outcome);
          expect(outcome.requests[0]!.raw).not.toMatch(/evil/);
        },
      ),
    ),
  );
});
