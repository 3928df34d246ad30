// RFC 9112 section 9, RFC 9110 sections 7.8, 10.1.1 and 15.2: connections, expectations, upgrades, and who answers for
// what went wrong upstream.

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ConformanceRig, FINAL, LANES, type Row } from '../../support/conformance-rig.js';
import { answerWithTarget } from '../../support/recording-backend.js';
import { readResponses, valuesOf } from '../../support/strict-http.js';

const get = (target: string, fields = '') => `GET ${target} HTTP/1.1\r\nHost: a\r\n${fields}\r\n`;
const expecting = (value: string, fields = '') =>
  `POST /e HTTP/1.1\r\nHost: a\r\nContent-Length: 35\r\nExpect: ${value}\r\n${fields}\r\n`;
const SMUGGLED = get('/smuggled');
const UPGRADE =
  'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n';
const SWITCHED =
  'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n';

const CONNECTIONS: Row[] = [
  {
    what: 'pipelined requests are answered in order',
    send: get('/1') + get('/2') + get('/3'),
    answers: [200, 200, 200],
    seen: ['GET /1', 'GET /2', 'GET /3'],
    also: ({ responses }) =>
      expect(responses.map(({ body }) => body).slice(0, 3)).toEqual(['GET /1', 'GET /2', 'GET /3']),
  },
  {
    what: 'nothing is served behind close',
    send: get('/1', 'Connection: close\r\n') + SMUGGLED,
    answers: [200],
    seen: ['GET /1'],
  },
  {
    what: 'nothing is said of rubbish behind close',
    send: `${get('/1', 'Connection: close\r\n')}rubbish\0\r\n\r\n`,
    answers: [200],
    seen: ['GET /1'],
  },
  {
    what: 'close is found among other words, in any case',
    send: get('/1', 'Connection: x, CLOSE\r\n') + SMUGGLED,
    answers: [200],
    seen: ['GET /1'],
  },
  {
    what: 'HTTP/1.0 is closed, whatever it says',
    send: `GET /1 HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n${SMUGGLED}`,
    answers: [200],
    seen: ['GET /1'],
  },
  {
    what: 'rubbish behind a request is refused',
    send: `${get('/1')}rubbish\r\n\r\n`,
    answers: [200, 400],
    seen: ['GET /1'],
  },
];

const EXPECTATIONS: Row[] = [
  {
    what: '100-continue with the content already there',
    send: expecting('100-continue') + SMUGGLED,
    answers: [200],
    seen: ['POST /e'],
    also: ({ requests }) => expect(requests[0]!.body).toBe(SMUGGLED),
  },
  { what: 'in any case', send: expecting('100-Continue') + SMUGGLED, answers: [200], seen: ['POST /e'] },
  ...['x 100-continue', '100-continue, x', 'x', '100-continue;q=1', '"100-continue"', ''].map((value): Row => ({
    what: `${JSON.stringify(value)} is refused`,
    send: expecting(value) + SMUGGLED,
    answers: [[400, 417]],
  })),
  { what: 'a folded one is refused', send: expecting('\r\n 100-continue') + SMUGGLED, answers: [[400, 417]] },
  {
    what: 'two lines are refused',
    send: expecting('100-continue', 'Expect: 100-continue\r\n') + SMUGGLED,
    answers: [[400, 417]],
  },
  {
    what: 'it is ignored in HTTP/1.0',
    send: `POST /e HTTP/1.0\r\nHost: a\r\nContent-Length: 35\r\nExpect: 100-continue\r\n\r\n${SMUGGLED}`,
    answers: [200],
    seen: ['POST /e'],
  },
];

const UPGRADES: Row[] = [
  {
    what: 'one that is not configured is served as a plain request, and the next one too',
    send: get('/u', 'Connection: Upgrade\r\nUpgrade: foo\r\n') + SMUGGLED,
    answers: [200, 200],
    seen: ['GET /u', 'GET /smuggled'],
  },
  {
    what: 'h2c is served as a plain request',
    send: get(
      '/u',
      'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n',
    ),
    answers: [200],
    seen: ['GET /u'],
    also: ({ requests }) =>
      expect([...valuesOf(requests[0]!, 'upgrade'), ...valuesOf(requests[0]!, 'http2-settings')]).toEqual([]),
  },
  {
    what: 'one without Connection: upgrade is none',
    send: get('/u', 'Upgrade: websocket\r\n'),
    answers: [200],
    seen: ['GET /u'],
  },
  {
    what: 'one in HTTP/1.0 is none',
    send: `GET /u HTTP/1.0\r\nHost: a\r\n${UPGRADE}\r\n`,
    answers: [200],
    seen: ['GET /u'],
  },
  {
    what: 'one with a body is refused',
    send: `${get('/u', `${UPGRADE}Content-Length: 35\r\n`)}${SMUGGLED}`,
    answers: [400],
  },
  {
    what: 'one with chunks is refused',
    send: `${get('/u', `${UPGRADE}Transfer-Encoding: chunked\r\n`)}0\r\n\r\n${SMUGGLED}`,
    answers: [400],
  },
];

describe.each(LANES)('conformance, lane %s: connections', (lane) => {
  let rig: ConformanceRig;
  beforeAll(
    async () =>
      (rig = await ConformanceRig.start(lane, {
        deadlines: {
          clientHeadMs: 10_000,
          clientIdleMs: 75_000,
          connectMs: 250,
          firstByteMs: 1_000,
          bodyIdleMs: 300_000,
          upstreamIdleMs: 4_000,
        },
      })),
  );
  afterAll(() => rig.close());

  describe('keeping and closing', () => test.each(CONNECTIONS)('$what', (row) => rig.run(row)));
  describe('Expect', () => test.each(EXPECTATIONS)('$what', (row) => rig.run(row)));
  describe('Upgrade', () => test.each(UPGRADES)('$what', (row) => rig.run(row)));

  test('a client that waits for 100-continue gets it once a backend wants the content', async () => {
    const port = await rig.proxy.rawBackend((socket) => {
      socket.setEncoding('latin1');
      let received = '';
      socket.on('data', (text: string) => {
        received += text;
        if (received.endsWith('\r\n\r\n') && !received.includes('smuggled'))
          socket.write('HTTP/1.1 100 Continue\r\n\r\n');
        else if (received.endsWith(SMUGGLED)) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone');
      });
    });
    rig.proxy.route(port);
    const client = (await rig.proxy.connect()).write(expecting('100-continue'));
    await client.waitFor(/^HTTP\/1\.1 100 [^]*\r\n\r\n$/);
    const received = await client.write(SMUGGLED).waitFor(/done$/);
    expect(received.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 100', 'HTTP/1.1 200']);
    client.close();
    rig.backend.forget();
    rig.proxy.route(rig.backend.port);
    await rig.expectClean(1);
  });

  test('what comes behind an upgrade request is held until the backend has switched, then passed on as it is', async () => {
    rig.backend.forget();
    let tunnelled = '';
    let all: Promise<void> | undefined;
    rig.backend.script = (_request, socket) => {
      all = new Promise((resolve) => {
        socket.removeAllListeners('data');
        socket.on('data', (text: string) => {
          tunnelled += text;
          if (tunnelled.endsWith('END')) resolve();
        });
      });
      return `${SWITCHED}hello`;
    };
    const client = (await rig.proxy.connect()).write(`${get('/ws', UPGRADE)}${SMUGGLED}`);
    await client.waitFor(/^HTTP\/1\.1 101 [^]*\r\n\r\nhello$/);
    client.write('\0\xff END');
    await all;
    expect([rig.backend.seen, tunnelled]).toEqual([['GET /ws'], `${SMUGGLED}\0\xff END`]);
    client.close();
    await rig.expectClean(1);
  });

  test('what comes behind an upgrade request that the backend declines never reaches a backend unread', async () => {
    rig.backend.forget();
    const client = (await rig.proxy.connect()).write(`${get('/ws', UPGRADE)}rubbish\r\n\r\n`);
    const received = await client.waitForEnd();
    expect(received).toMatch(/^HTTP\/1\.1 200 /);
    expect([rig.backend.seen, rig.backend.faults]).toEqual([['GET /ws'], []]);
    await rig.expectClean(1);
  });

  test('a switch to something that was not offered is a 502', async () => {
    rig.backend.forget();
    rig.backend.script = () =>
      'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: other\r\n\r\nPOISON';
    const received = await rig.proxy.exchange(get('/ws', UPGRADE));
    expect(received).toMatch(/^HTTP\/1\.1 502 /);
    expect(received).not.toMatch(/POISON/);
    await rig.expectClean(1);
  });

  test('a client that has ended its side is still served', async () => {
    rig.backend.forget();
    const client = await rig.proxy.connect();
    client.socket.end(get('/half'));
    expect(await client.waitFor(/GET \/half$/)).toMatch(/^HTTP\/1\.1 200 |^HTTP\/1\.1 102 /);
    await rig.expectClean(1);
  });

  test('an answer before the whole request is passed on, and that backend connection is not used again', async () => {
    rig.backend.forget();
    const heads: string[] = [];
    const early = await rig.proxy.rawBackend((socket) => {
      socket.setEncoding('latin1');
      socket.on('data', (text: string) => {
        heads.push(text);
        if (heads.length === 1) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nearly');
      });
    });
    rig.proxy.route(early);
    const client = (await rig.proxy.connect()).write(
      'POST /cl0 HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\npart',
    );
    await client.waitFor(/early$/);
    client.write(SMUGGLED);
    rig.proxy.route(rig.backend.port);
    await client.waitForEnd();
    const { messages } = readResponses(client.received, { methods: ['POST'], ended: true });
    expect(messages.map(({ body }) => body)).toEqual(['early']);
    await rig.expectClean(1);
  });

  test('an unfinished request body ends the request to the backend too', async () => {
    rig.backend.forget();
    let ended: (() => void) | undefined;
    const gone = new Promise<void>((resolve) => (ended = resolve));
    const port = await rig.proxy.rawBackend((socket) => {
      socket.on('data', () => undefined);
      socket.on('close', () => ended?.());
    });
    rig.proxy.route(port);
    const client = (await rig.proxy.connect()).write(
      'POST /part HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\npart',
    );
    await client.flushed();
    client.close();
    await gone;
    rig.proxy.route(rig.backend.port);
    await rig.expectClean(1);
  });

  test("requests of many clients never get each other's answers", async () => {
    rig.backend.forget();
    rig.backend.script = answerWithTarget;
    const received = await Promise.all(
      Array.from({ length: 20 }, (_, index) => rig.proxy.exchange(get(`/c${index}`) + get(`/d${index}`) + FINAL)),
    );
    received.forEach((text, index) => {
      const { messages } = readResponses(text, { methods: [], ended: true });
      expect(messages.map(({ body }) => body)).toEqual([`GET /c${index}`, `GET /d${index}`, 'GET /final']);
    });
  });

  test('a silent backend is a 504', async () => {
    await rig.run({
      what: '',
      send: 'POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n',
      answers: [504],
      seen: ['POST /x'],
      script: () => undefined,
    });
  });
});
