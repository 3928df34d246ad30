// HTTP/2 on the front, by Node's client: each stream through the same gate and lanes as HTTP/1.1.

import { once } from 'node:events';
import {
  connect,
  constants,
  type ClientHttp2Session,
  type ClientHttp2Stream,
  type OutgoingHttpHeaders,
  type Settings,
} from 'node:http2';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { connect as connectSecurely, type TLSSocket } from 'node:tls';
import { setImmediate } from 'node:timers/promises';
import { afterEach, describe, expect, test } from '@jest/globals';
import { defaultProxyOptions, type ProxyOptions } from '../../../proxy/index.js';
import { CERTIFICATE, FRONTS } from '../../support/certificates.js';
import { ProxyRig } from '../../support/proxy-rig.js';

let rig: ProxyRig;
let session: ClientHttp2Session;

afterEach(async () => {
  session.destroy();
  await rig.close();
});

async function start(
  backend: (request: IncomingMessage, response: ServerResponse) => void,
  options: Partial<ProxyOptions> = {},
): Promise<void> {
  rig = await ProxyRig.start({ front: FRONTS.TLS, ...options });
  rig.route(await rig.httpBackend(backend));
  await open();
}

async function startRaw(onConnection: (socket: Socket) => void, lane: ProxyOptions['lane']): Promise<void> {
  rig = await ProxyRig.start({ front: FRONTS.TLS, lane });
  rig.route(await rig.rawBackend(onConnection));
  await open();
}

async function open(settings: Settings = {}): Promise<void> {
  session = connect(`https://127.0.0.1:${rig.port}`, { ca: CERTIFICATE.cert, settings });
  session.on('error', () => undefined);
  await once(session, 'connect');
}

async function allGone(): Promise<void> {
  while ((await rig.openConnections()) > 0) await setImmediate();
}

interface Answer {
  readonly status: number;
  readonly headers: Record<string, unknown>;
  readonly body: string;
  readonly trailers: Record<string, unknown>;
  /** How the stream ended. */
  readonly code: number;
}

async function answerOf(stream: ClientHttp2Stream): Promise<Answer> {
  let headers: Record<string, unknown> = {};
  let trailers: Record<string, unknown> = {};
  let body = '';
  stream.setEncoding('latin1');
  stream.on('response', (received) => (headers = received));
  stream.on('trailers', (received: Record<string, unknown>) => (trailers = received));
  stream.on('data', (text: string) => (body += text));
  stream.on('error', () => undefined);
  // Not by `once`, which an error would reject.
  await new Promise<void>((resolve) => stream.once('close', resolve));
  return { status: Number(headers[':status']), headers, body, trailers, code: stream.rstCode };
}

function ask(headers: OutgoingHttpHeaders, body?: string): Promise<Answer> {
  const stream = session.request(headers, { endStream: body === undefined });
  if (body !== undefined) stream.end(body);
  return answerOf(stream);
}

/** RFC 9113 sections 4.1 and 6. */
const [DATA, HEADERS, RESET, SETTINGS] = [0, 1, 3, 4] as const;
const [END_STREAM, END_HEADERS] = [1, 4] as const;
/** RFC 7541 section 6.2.2: a literal with the name of entry 1 of the static table. */
const AUTHORITY = Buffer.from([0x01, 1, ...Buffer.from('a')]);

/** Of the first stream. */
function frame(type: number, flags: number, payload: Buffer): Buffer {
  const head = [payload.length >> 16, (payload.length >> 8) & 0xff, payload.length & 0xff, type, flags, 0, 0, 0, 1];
  return Buffer.concat([Buffer.from(head), payload]);
}

/** A client that says what no library would. */
async function openFrames(): Promise<TLSSocket> {
  const where = { port: rig.port, host: '127.0.0.1' };
  const socket = connectSecurely({ ...where, ca: CERTIFICATE.cert, ALPNProtocols: ['h2'] });
  socket.on('error', () => undefined).resume();
  await once(socket, 'secureConnect');
  const settings = Buffer.from([0, 0, 0, SETTINGS, 0, 0, 0, 0, 0]);
  socket.write(Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), settings]));
  return socket;
}

const TRAILERS_OF_OBJECTS = ['constructor', 'valueOf'];

const echo = (request: IncomingMessage, response: ServerResponse) => {
  let body = '';
  request.setEncoding('latin1');
  request.on('data', (text: string) => (body += text));
  request.on('end', () => {
    const { method, url, headers, rawTrailers } = request;
    response.end(JSON.stringify({ method, url, headers, rawTrailers, body }));
  });
};

describe.each(['auto', 'full'] as const)('HTTP/2, lane %s', (lane) => {
  test('asks as HTTP/1.1 would, and says where the request came from', async () => {
    await start(echo, { lane });
    const crumbs = { cookie: ['a=1', 'b=2'], 'x-own': 'kept' };
    const { status, body } = await ask({ ':path': '/x?y=1', ':authority': 'app.example', ...crumbs });
    expect(status).toBe(200);
    expect(JSON.parse(body)).toMatchObject({
      method: 'GET',
      url: '/x?y=1',
      headers: {
        host: 'app.example',
        cookie: 'a=1; b=2',
        'x-own': 'kept',
        'x-forwarded-proto': 'https',
        'x-forwarded-for': '127.0.0.1',
        via: expect.stringMatching(/^2\.0 /),
      },
      body: '',
    });
    expect(rig.records[0]).toMatchObject({
      method: 'GET',
      path: '/x?y=1',
      status: 200,
      client: { httpVersion: '2.0' },
    });
  });

  test('carries bodies with and without a length, and many requests at a time', async () => {
    await start(echo, { lane });
    const bodies = Array.from({ length: 40 }, (_, index) => `${index}`.repeat(1_000 * (index % 7)));
    const answers = await Promise.all(
      bodies.map((body, index) => {
        const length = index % 2 === 0 ? {} : { 'content-length': body.length };
        return ask({ ':method': 'POST', ':path': `/${index}`, ...length }, body);
      }),
    );
    expect(answers.map((answer) => (JSON.parse(answer.body) as { body: string }).body)).toEqual(bodies);
  });

  test('passes an answer on as it comes, without what only HTTP/1.1 has', async () => {
    let goOn: () => void = () => undefined;
    await start(
      (_request, response) => {
        response.writeHead(203, [
          ...['set-cookie', 'a=1'],
          ...['set-cookie', 'b=2'],
          ...['vary', 'x'],
          ...['vary', 'y'],
        ]);
        response.write('first');
        goOn = () => response.end('last');
      },
      { lane },
    );
    const stream = session.request({ ':path': '/' });
    const answered = answerOf(stream);
    await once(stream, 'data');
    goOn();
    const { status, headers, body } = await answered;
    expect([status, body]).toEqual([203, 'firstlast']);
    expect(headers['set-cookie']).toEqual(['a=1', 'b=2']);
    expect(headers['vary']).toBe('x, y');
    expect(Object.keys(headers)).not.toEqual(expect.arrayContaining(['connection']));
    expect(Object.keys(headers)).not.toEqual(expect.arrayContaining(['transfer-encoding']));
  });

  test.each([
    ['HEAD', 200],
    ['GET', 204],
    ['GET', 304],
  ])('an answer without content to %s, %s, is whole at once', async (method, status) => {
    await start((_request, response) => response.writeHead(status, { etag: '"x"' }).end(), { lane });
    const answer = await ask({ ':method': method, ':path': '/' });
    expect(answer).toMatchObject({ status, body: '', code: constants.NGHTTP2_NO_ERROR });
    expect(answer.headers['etag']).toBe('"x"');
  });

  test('passes interim answers and trailers on', async () => {
    const upstream = (socket: Socket) =>
      socket.once('data', () => {
        socket.write('HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n');
        socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nx-sum: 7\r\n\r\n');
      });
    await startRaw(upstream, lane);
    const stream = session.request({ ':path': '/', te: 'trailers' });
    const early: unknown[] = [];
    stream.on('headers', (headers) => early.push([headers[':status'], headers['link']]));
    const answer = await answerOf(stream);
    expect(answer).toMatchObject({ status: 200, body: 'hi', code: 0 });
    expect(answer.trailers).toMatchObject({ 'x-sum': '7' });
    expect(early).toEqual([[103, '</a>']]);
  });

  test.each([
    ['with a length', 'Content-Length: 999999\r\n\r\nbegun'],
    ['in chunks', 'Transfer-Encoding: chunked\r\n\r\n5\r\nbegun\r\n'],
    ['up to the end of its connection', '\r\nbegun'],
  ])('resets the stream of an answer %s that its upstream breaks off, and that one alone', async (_how, rest) => {
    let upstream: Socket | undefined;
    const begin = (socket: Socket) => {
      upstream = socket;
      socket.once('data', () => socket.write(`HTTP/1.1 200 OK\r\n${rest}`));
    };
    await startRaw(begin, lane);
    const stream = session.request({ ':path': '/' });
    const answered = answerOf(stream);
    await once(stream, 'data');
    upstream!.resetAndDestroy();
    expect(await answered).toMatchObject({ status: 200, body: 'begun', code: constants.NGHTTP2_INTERNAL_ERROR });
    expect(session.destroyed).toBe(false);
  });

  test('an answer that HTTP/2 has no words for is the end of its stream alone', async () => {
    const strange = (socket: Socket) =>
      socket.once('data', () => socket.end('HTTP/1.1 799 What\r\nContent-Length: 0\r\n\r\n'));
    await startRaw(strange, lane);
    const answer = await ask({ ':path': '/' });
    expect([constants.NGHTTP2_INTERNAL_ERROR, constants.NGHTTP2_NO_ERROR]).toContain(answer.code);
    expect(answer.status).not.toBe(799);
    expect(session.destroyed).toBe(false);
  });

  test('fields that only HTTP/1.1 has are left out of an answer', async () => {
    const fields = 'HTTP2-Settings: x\r\nTE: gzip\r\nKeep-Alive: timeout=5\r\nX-Own: kept\r\n';
    const upstream = (socket: Socket) =>
      socket.once('data', () => socket.end(`HTTP/1.1 200 OK\r\n${fields}Content-Length: 2\r\n\r\nhi`));
    await startRaw(upstream, lane);
    const answer = await ask({ ':path': '/' });
    expect(answer).toMatchObject({ status: 200, body: 'hi', code: 0 });
    expect(answer.headers['x-own']).toBe('kept');
  });

  test('fields may be named like what every object has', async () => {
    const trailers = TRAILERS_OF_OBJECTS.map((name) => `${name}: t\r\n`).join('');
    const head = `HTTP/1.1 200 OK\r\nConstructor: x\r\n__proto__: y\r\nTransfer-Encoding: chunked\r\n\r\n`;
    await startRaw((socket) => socket.once('data', () => socket.end(`${head}2\r\nhi\r\n0\r\n${trailers}\r\n`)), lane);
    const answer = await ask({ ':path': '/', te: 'trailers' });
    expect(answer).toMatchObject({ status: 200, body: 'hi', code: 0 });
    expect(Object.entries(answer.headers)).toEqual(expect.arrayContaining([['constructor', 'x']]));
    expect(Object.entries(answer.trailers)).toEqual(expect.arrayContaining([['constructor', 't']]));
  });

  test('an answer that ends with its connection ends cleanly', async () => {
    const whole = (socket: Socket) => socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\n\r\nwhole'));
    await startRaw(whole, lane);
    expect(await ask({ ':path': '/' })).toMatchObject({ status: 200, body: 'whole', code: 0 });
  });

  test.each([
    ['is cancelled', RESET, constants.NGHTTP2_CANCEL],
    ['is reset without an error', RESET, constants.NGHTTP2_NO_ERROR],
    ['is reset with one', RESET, constants.NGHTTP2_INTERNAL_ERROR],
    ['loses its connection', 'end', 0],
  ] as const)('an upload without a length that %s is never whole upstream', async (_what, how, code) => {
    let received = '';
    let gone: () => void = () => undefined;
    const ended = new Promise<void>((resolve) => (gone = resolve));
    await startRaw((socket) => {
      socket.on('data', (bytes) => (received += bytes.toString('latin1')));
      socket.on('error', () => undefined);
      socket.once('close', gone);
    }, lane);
    const socket = await openFrames();
    const post = Buffer.concat([Buffer.from([0x83, 0x87, 0x84]), AUTHORITY]);
    socket.write(Buffer.concat([frame(HEADERS, END_HEADERS, post), frame(DATA, 0, Buffer.from('half'))]));
    while (!received.includes('half')) await setImmediate();
    if (how === 'end') socket.end();
    else socket.write(frame(RESET, 0, Buffer.from([0, 0, 0, code])));
    await ended;
    expect(received).not.toMatch(/\r\n0\r\n\r\n$/);
    socket.destroy();
  });

  test('an answer that its client never takes is given up with its stream', async () => {
    await start((_request, response) => response.end('x'.repeat(1_000)), {
      lane,
      deadlines: { ...defaultProxyOptions.deadlines, bodyIdleMs: 50 },
    });
    session.destroy();
    await open({ initialWindowSize: 0 });
    const answer = await ask({ ':path': '/' });
    expect(answer).toMatchObject({ status: 200, body: '', code: constants.NGHTTP2_INTERNAL_ERROR });
    session.close();
    await allGone();
  });

  test('many cookies, one by one, are one field', async () => {
    const seen: (string | undefined)[] = [];
    await start(
      (request, response) => {
        seen.push(request.headers.cookie);
        response.end();
      },
      { lane },
    );
    const socket = await openFrames();
    // RFC 7541 section 6.2.2: a literal with the name of entry 32 of the static table, `cookie`.
    const crumb = Buffer.from([0x0f, 0x11, 3, ...Buffer.from('a=1')]);
    const get = [Buffer.from([0x82, 0x87, 0x84]), AUTHORITY, ...Array<Buffer>(150).fill(crumb)];
    socket.write(frame(HEADERS, END_HEADERS | END_STREAM, Buffer.concat(get)));
    await rig.waitForRecords(1);
    socket.destroy();
    expect(seen).toEqual([Array<string>(150).fill('a=1').join('; ')]);
  });

  test('a client that cancels a request ends it upstream at once', async () => {
    let gone: () => void = () => undefined;
    const cancelled = new Promise<void>((resolve) => (gone = resolve));
    await start(
      (_request, response) => {
        response.on('close', () => gone());
        response.write('begun');
      },
      { lane },
    );
    const stream = session.request({ ':path': '/' });
    stream.on('error', () => undefined);
    await once(stream, 'data');
    stream.close(constants.NGHTTP2_CANCEL);
    await cancelled;
    expect((await rig.waitForRecords(1))[0]).toMatchObject({ endedBy: 'client', status: 200 });
  });

  test('a client that resets an answer without an error, before it has taken all of it, ends it upstream too', async () => {
    await start((request, response) => void request.pipe(response), { lane });
    session.destroy();
    await open({ initialWindowSize: 1_000 });
    const stream = session.request({ ':method': 'POST', ':path': '/' });
    stream.on('error', () => undefined);
    stream.write('x'.repeat(30_000));
    await once(stream, 'response');
    // Node sends NO_ERROR.
    stream.destroy();
    expect((await rig.waitForRecords(1))[0]).toMatchObject({ endedBy: 'client', status: 200 });
    session.destroy();
    await allGone();
  });

  test('a slow reader gets all of a large answer as it was, and holds nobody up', async () => {
    const body = Array.from({ length: 400_000 }, (_, index) => `${index};`).join('');
    await start(
      ({ url }, response) => {
        response.setHeader('content-length', url === '/large' ? body.length : 2);
        response.end(url === '/large' ? body : 'ok');
      },
      { lane },
    );
    const stream = session.request({ ':path': '/large' });
    await once(stream, 'response');
    for (let count = 0; count < 20; count += 1) expect(await ask({ ':path': '/small' })).toMatchObject({ body: 'ok' });
    expect((await answerOf(stream)).body).toBe(body);
  });

  test.each([
    ['by its length', { 'content-length': 11 }],
    ['as it comes', {}],
  ])('tells of a body that is too large %s with all that its head says', async (_what, length) => {
    const limits = { ...defaultProxyOptions.limits, maxBodyBytes: 10 };
    await start((request, response) => request.resume().on('end', () => response.end()), { lane, limits });
    const stream = session.request({ ':method': 'POST', ':path': '/x', 'user-agent': 'uploader', ...length });
    const answered = once(stream, 'response');
    stream.on('error', () => undefined).end('hello world');
    expect((await answered)[0]).toMatchObject({ ':status': 413 });
    const asked = { method: 'POST', path: '/x', client: { httpVersion: '2.0', userAgent: 'uploader' } };
    expect(rig.records).toMatchObject([{ ...asked, status: 413, code: 'body-too-large', endedBy: 'proxy' }]);
  });

  test('an early answer ends an upload that nobody needs', async () => {
    await start((_request, response) => response.writeHead(413, { connection: 'close' }).end('too much'), { lane });
    const stream = session.request({ ':method': 'POST', ':path': '/' });
    const answered = answerOf(stream);
    stream.write('begun');
    expect(await answered).toMatchObject({ status: 413, body: 'too much', code: constants.NGHTTP2_NO_ERROR });
  });
});

describe('the gate judges requests of HTTP/2 too', () => {
  test.each<[string, OutgoingHttpHeaders, number]>([
    ['CONNECT', { ':method': 'CONNECT', ':authority': 'a:1' }, 405],
    ['a path with a fragment', { ':path': '/a#b' }, 400],
    ['two hosts', { ':path': '/', ':authority': 'a', host: 'b' }, 400],
    ['an expectation that nobody knows', { ':method': 'POST', ':path': '/', expect: 'x', 'content-length': 1 }, 417],
  ])('%s', async (_what, headers, status) => {
    await start(echo);
    const answer = await ask(headers, headers['content-length'] === undefined ? undefined : 'x');
    expect(answer.status).toBe(status);
    expect(answer.headers['x-understudy-reason']).toBeDefined();
    expect((await ask({ ':path': '/' })).status).toBe(200);
  });
});

describe('when the proxy leaves', () => {
  test('a request that is under way is finished, and the client is told to go elsewhere', async () => {
    let finish: () => void = () => undefined;
    await start((_request, response) => {
      response.write('begun');
      finish = () => response.end('finished');
    });
    const stream = session.request({ ':path': '/' });
    const answered = answerOf(stream);
    await once(stream, 'data');
    const told = once(session, 'goaway');
    const closed = once(session, 'close');
    const left = rig.proxy.leave({ graceMs: 60_000 });
    await told;
    finish();
    expect(await answered).toMatchObject({ body: 'begunfinished', code: 0 });
    await closed;
    await left;
  });

  test('a request that crosses with the word is served', async () => {
    await start(echo);
    const told = once(session, 'goaway');
    const left = rig.proxy.leave({ graceMs: 60_000 });
    expect((await ask({ ':path': '/' })).status).toBe(200);
    await told;
    await left;
  });
});

test('a client that does not close when it has been told everything does not hold up a proxy that leaves', async () => {
  await start(echo);
  // Its answer is never read, so Node's session never ends.
  const stream = session.request({ ':path': '/' });
  await once(stream, 'response');
  await rig.proxy.leave({ graceMs: 60_000 });
  expect(rig.records).toHaveLength(1);
});

test('a client that has gone leaves nothing behind', async () => {
  await start(echo);
  await ask({ ':path': '/' });
  session.close();
  await once(session, 'close');
  await allGone();
});

test('an idle session is closed after the time that any client may be idle', async () => {
  await start(echo, { deadlines: { ...defaultProxyOptions.deadlines, clientIdleMs: 200 } });
  await ask({ ':path': '/' });
  await once(session, 'close');
  expect(rig.records).toHaveLength(1);
});
