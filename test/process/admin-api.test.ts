// Bad input to the admin API over TCP: one problem+json each, with a stable code, and nothing changes.
import { statSync } from 'node:fs';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { UnderstudyProcess } from '../support/understudy-process.js';

let instance: UnderstudyProcess;
let token: string;

beforeAll(async () => {
  instance = await UnderstudyProcess.start();
  await instance.waitForOutput(/token \w+/);
  token = /token (\w+)/.exec(instance.stdout)![1]!;
});
afterAll(() => instance.dispose());

interface Wrong {
  readonly method: string;
  readonly path: string;
  readonly body?: string;
  readonly token?: string;
  readonly type?: string;
}

interface Problem {
  readonly status: number;
  readonly code: string;
}

test.each<[string, Wrong, Problem, RegExp]>([
  ['bad JSON', { method: 'PUT', path: '/v1/mode', body: '{"mode":' }, { status: 400, code: 'bad-request' }, /JSON/],
  [
    'an unknown key',
    { method: 'PUT', path: '/v1/mode', body: '{"mod":"x"}' },
    { status: 400, code: 'bad-request' },
    /body.*mod/,
  ],
  [
    'an unknown mode',
    { method: 'PUT', path: '/v1/mode', body: '{"mode":"x"}' },
    { status: 404, code: 'unknown-mode' },
    /production/,
  ],
  [
    'a ttl that is none',
    { method: 'POST', path: '/v1/leases', body: '{"ttl":"soon"}' },
    { status: 400, code: 'bad-request' },
    /body\.ttl/,
  ],
  [
    'an unknown lease',
    { method: 'PUT', path: '/v1/leases/lease-0' },
    { status: 404, code: 'unknown-lease' },
    /lease-0.*ran out/,
  ],
  [
    'an unknown backend',
    { method: 'POST', path: '/v1/backends/x/drain' },
    { status: 404, code: 'unknown-backend' },
    /primary/,
  ],
  [
    'a body that is too large',
    { method: 'POST', path: '/v1/leases', body: JSON.stringify({ holder: 'x'.repeat(70_000) }) },
    { status: 413, code: 'body-too-large' },
    /65536 bytes/,
  ],
  [
    'a body of another type',
    { method: 'POST', path: '/v1/leases', body: 'a=1', type: 'application/x-www-form-urlencoded' },
    { status: 415, code: 'unsupported-media-type' },
    /accepted: application\/json/,
  ],
  [
    'a method that a path does not know',
    { method: 'DELETE', path: '/v1/mode' },
    { status: 405, code: 'method-not-allowed' },
    /accepted: PUT/,
  ],
  ...['\u001b[2J', 'a\nb', 'a\u009bb', 'a\u202eb'].map((holder): [string, Wrong, Problem, RegExp] => [
    `a holder that would command a terminal, ${JSON.stringify(holder)}`,
    { method: 'POST', path: '/v1/leases', body: JSON.stringify({ holder }) },
    { status: 400, code: 'bad-request' },
    /body\.holder.*control characters/,
  ]),
  ['an unknown path', { method: 'GET', path: '/v2/status' }, { status: 404, code: 'not-found' }, /\/v2\/status/],
  [
    'no token',
    { method: 'PUT', path: '/v1/mode', body: '{}', token: '' },
    { status: 401, code: 'unauthorized' },
    /token printed at start/,
  ],
  [
    'a wrong token',
    { method: 'DELETE', path: '/v1/leases/x', token: 'guess' },
    { status: 401, code: 'unauthorized' },
    /Bearer/,
  ],
])('the admin API answers %s with one problem', async (_what, wrong, { status, code }, says) => {
  const before = (await instance.status()).mode;
  const response = await fetch(`http://127.0.0.1:${instance.adminPort}${wrong.path}`, {
    method: wrong.method,
    headers: {
      authorization: `Bearer ${wrong.token ?? token}`,
      ...(wrong.body === undefined ? {} : { 'content-type': wrong.type ?? 'application/json' }),
    },
    ...(wrong.body === undefined ? {} : { body: wrong.body }),
  });
  expect(response.headers.get('content-type')).toMatch(/^application\/problem\+json/);
  const problem: unknown = await response.json();
  expect(problem).toMatchObject({ status, code, detail: expect.stringMatching(says) });
  expect(response.status).toBe(status);
  expect(response.headers.get('allow')).toBe(status === 405 ? 'PUT' : null);
  expect((await instance.status()).mode).toEqual(before);
});

test.each([
  ['bytes that are no HTTP', '\x16\x03\x01\x02\x00\xff\xfe', /no HTTP request/],
  ['a path that can not be decoded', 'GET /%zz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n', /%zz/],
])('the admin API answers %s with a problem, and goes on', async (_what, bytes, says) => {
  const socket = connect(instance.adminPort, '127.0.0.1');
  socket.write(bytes, 'latin1');
  const answer = await text(socket);
  const [head, body = ''] = answer.split('\r\n\r\n');
  expect(head).toMatch(/^HTTP\/1\.1 400 /);
  expect(head).toMatch(/content-type: application\/problem\+json/i);
  expect(JSON.parse(body)).toMatchObject({ status: 400, code: 'bad-request', detail: expect.stringMatching(says) });
  expect((await fetch(`http://127.0.0.1:${instance.adminPort}/livez`)).status).toBe(200);
});

test.each<[string, string, Problem, RegExp]>([
  ['no Host', 'GET /livez HTTP/1.1\r\n', { status: 400, code: 'bad-request' }, /needs a Host/],
  [
    'an Expect of its own',
    'GET /livez HTTP/1.1\r\nHost: a\r\nExpect: 200-ok\r\n',
    { status: 417, code: 'expectation-failed' },
    /200-ok/,
  ],
  [
    'CONNECT',
    'CONNECT example.com:443 HTTP/1.1\r\nHost: example.com\r\n',
    { status: 501, code: 'not-implemented' },
    /no proxy/,
  ],
  [
    'a head of 20 KB',
    `GET /livez HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(20_000)}\r\n`,
    { status: 431, code: 'head-too-large' },
    /accepted: up to \d+ bytes/,
  ],
  [
    'OPTIONS of a path that there is',
    'OPTIONS /v1/mode HTTP/1.1\r\nHost: localhost\r\n',
    { status: 405, code: 'method-not-allowed' },
    /accepted: PUT/,
  ],
])('the admin API answers %s with a problem on both its listeners', async (_what, head, { status, code }, says) => {
  for (const place of [
    { port: instance.adminPort, host: '127.0.0.1' },
    { path: `${instance.runtimeDir}/admin.sock` },
  ]) {
    const socket = connect(place);
    socket.write(`${head}Connection: close\r\n\r\n`);
    const [start, body = ''] = (await text(socket)).split('\r\n\r\n');
    expect(start).toMatch(new RegExp(`^HTTP/1\\.1 ${status} [^]*content-type: application/problem\\+json`, 'i'));
    expect(/^allow: (.*)$/im.exec(start!)?.[1]).toBe(status === 405 ? 'PUT' : undefined);
    expect(JSON.parse(body)).toMatchObject({ status, code, detail: expect.stringMatching(says) });
  }
});

test.each([
  ['bearer', '', 404],
  ['BEARER ', '', 404],
  ['Bearer', 'x', 401],
  ['Basic', '', 401],
  ['', '', 401],
])('a token behind the scheme "%s", with "%s" behind it, is answered %i', async (scheme, more, expected) => {
  const headers = { authorization: `${scheme} ${token}${more}` };
  const url = `http://127.0.0.1:${instance.adminPort}/v1/leases/none`;
  expect((await fetch(url, { method: 'DELETE', headers })).status).toBe(expected);
});

test('a reader of the events goes on behind the one that it names in Last-Event-ID', async () => {
  const url = `http://127.0.0.1:${instance.adminPort}/v1/events`;
  const idsFrom = async (headers: Readonly<Record<string, string>>, query: string, count: number) => {
    const found = new AbortController();
    const response = await fetch(`${url}${query}`, { headers, signal: found.signal });
    let received = '';
    for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
      received += chunk;
      if ((received.match(/^id: /gm)?.length ?? 0) >= count) break;
    }
    found.abort();
    return [...received.matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id)).slice(0, count);
  };
  expect(await idsFrom({}, '?since=0', 4)).toEqual([1, 2, 3, 4]);
  expect(await idsFrom({ 'last-event-id': '2' }, '', 2)).toEqual([3, 4]);
  // As an EventSource does that was opened with ?since=0 and has lost its connection.
  expect(await idsFrom({ 'last-event-id': '2' }, '?since=0', 2)).toEqual([3, 4]);
  // It was another process, before an upgrade say, that had come so far.
  expect(await idsFrom({ 'last-event-id': '100000' }, '?since=0', 2)).toEqual([1, 2]);
});

test.each([
  ['evil.example', 403],
  ['evil.example:9001', 403],
  ['localhost:1', 200],
  ['dashboard.localhost', 200],
  ['127.0.0.1', 200],
  ['[::1]:9001', 200],
])('whoever calls us %s is answered %i', async (host, expected) => {
  const { adminPort } = instance;
  const socket = connect(adminPort, '127.0.0.1');
  socket.write(`GET /v1/status HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
  expect(await text(socket)).toMatch(new RegExp(`^HTTP/1\\.1 ${expected} `));
});

test('HEAD of the events ends with its head', async () => {
  const socket = connect(instance.adminPort, '127.0.0.1');
  socket.write('HEAD /v1/events HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
  expect(await text(socket)).toMatch(/^HTTP\/1\.1 200 [^]*text\/event-stream[^]*\r\n\r\n$/);
});

test('the socket with full rights is open to nobody else, whatever the umask', () => {
  expect(statSync(`${instance.runtimeDir}/admin.sock`).mode & 0o777).toBe(0o600);
});
