// TLS on the front, by literal octets and by Node's client.

import { once } from 'node:events';
import { connect as connectPlain, createServer, type AddressInfo, type Socket } from 'node:net';
import { connect, type TLSSocket } from 'node:tls';
import { afterEach, describe, expect, test } from '@jest/globals';
import { defaultProxyOptions, type ProxyOptions } from '../../../proxy/index.js';
import { CERTIFICATE, frontWith, OTHER_CERTIFICATE, type CertificatePair } from '../../support/certificates.js';
import { headerFromIPv4 } from '../../support/proxy-headers.js';
import { ProxyRig, statusOf } from '../../support/proxy-rig.js';

let rig: ProxyRig;
const sockets: TLSSocket[] = [];

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await rig.close();
});

async function start(options: Partial<ProxyOptions> = {}): Promise<void> {
  rig = await ProxyRig.start({ front: frontWith(CERTIFICATE), ...options });
  rig.route(await rig.httpBackend((request, response) => response.end(JSON.stringify(request.headers))));
}

interface ClientOptions {
  readonly trust?: CertificatePair;
  readonly preface?: Buffer | string;
}

async function open({ trust = CERTIFICATE, preface }: ClientOptions = {}): Promise<TLSSocket> {
  const raw = connectPlain(rig.port, '127.0.0.1');
  if (preface !== undefined) raw.write(preface);
  const socket = connect({ socket: raw, ca: trust.cert, servername: 'localhost' });
  sockets.push(socket);
  socket.setEncoding('latin1');
  await once(socket, 'secureConnect');
  return socket;
}

async function ask(socket: TLSSocket, request: string, end: RegExp): Promise<string> {
  let received = '';
  socket.write(request, 'latin1');
  while (!end.test(received)) received += String((await once(socket, 'data'))[0]);
  return received;
}

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';

/** RFC 5246 section 6.2.1. */
const ALERT = 21;
const RECORD_HEAD_BYTES = 5;

function typesOf(records: Buffer): number[] {
  const types: number[] = [];
  for (let at = 0; at < records.length; at += RECORD_HEAD_BYTES + records.readUInt16BE(at + 3))
    types.push(records[at]!);
  return types;
}

describe.each(['auto', 'full'] as const)('TLS on the front, lane %s', (lane) => {
  test('serves request after request, and says that they came over https', async () => {
    await start({ lane });
    const socket = await open();
    for (let count = 0; count < 3; count += 1) {
      const answer = await ask(socket, GET, /\}$/);
      expect(statusOf(answer)).toBe(200);
      expect(answer).toMatch(/"x-forwarded-proto":"https"/);
      expect(answer).toMatch(/proto=https/);
    }
    expect(rig.records).toHaveLength(3);
  });

  test('serves an absolute https target, which a clear connection is refused', async () => {
    await start({ lane });
    const request = 'GET https://b.example/x HTTP/1.1\r\nHost: a\r\n\r\n';
    const answer = await ask(await open(), request, /\}$/);
    expect([statusOf(answer), /"host":"b\.example"/.test(answer)]).toEqual([200, true]);
  });

  test('says the end of an answer that ends with its connection (RFC 8446 section 6.1)', async () => {
    rig = await ProxyRig.start({ front: frontWith(CERTIFICATE), lane });
    rig.route(
      await rig.rawBackend((backend) => void backend.once('data', () => backend.end('HTTP/1.1 200 OK\r\n\r\nwhole'))),
    );
    const records: Buffer[] = [];
    const relay = createServer((client) => {
      const server = connectPlain(rig.port, '127.0.0.1');
      client.pipe(server).pipe(client);
      server.on('data', (bytes) => records.push(bytes));
      for (const end of [client, server]) end.on('error', () => undefined);
    });
    relay.listen(0, '127.0.0.1');
    await once(relay, 'listening');
    const { port } = relay.address() as AddressInfo;
    // In this version the type of a record can be seen from outside.
    const socket = connect({ port, ca: CERTIFICATE.cert, servername: 'localhost', maxVersion: 'TLSv1.2' });
    sockets.push(socket);
    await once(socket, 'secureConnect');
    socket.resume().write('GET / HTTP/1.0\r\n\r\n');
    await once(socket, 'end');
    relay.close();
    expect(typesOf(Buffer.concat(records)).at(-1)).toBe(ALERT);
  });

  test('carries large bodies both ways as they are', async () => {
    rig = await ProxyRig.start({ front: frontWith(CERTIFICATE), lane });
    rig.route(
      await rig.httpBackend((request, response) => {
        response.setHeader('content-length', String(request.headers['content-length']));
        request.pipe(response);
      }),
    );
    const socket = await open();
    const body = Array.from({ length: 200_000 }, (_, index) => `${index};`).join('');
    const head = `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n`;
    const answer = await ask(socket, head + body, /199999;$/);
    expect(answer.slice(answer.indexOf('\r\n\r\n') + 4)).toBe(body);
  });

  test('ends an answer whose upstream dies with a broken connection', async () => {
    let upstream: Socket | undefined;
    rig = await ProxyRig.start({ front: frontWith(CERTIFICATE), lane });
    rig.route(
      await rig.rawBackend((socket) => {
        upstream = socket;
        socket.once('data', () => {
          socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nbegun\r\n');
        });
      }),
    );
    const socket = await open();
    socket.on('error', () => undefined);
    const answer = await ask(socket, GET, /begun/);
    const closed = once(socket, 'close');
    upstream!.resetAndDestroy();
    await closed;
    expect(answer).not.toMatch(/\r\n0\r\n/);
  });

  test('ends an answer that its connection would end with a reset when it is broken off', async () => {
    let upstream: Socket | undefined;
    rig = await ProxyRig.start({ front: frontWith(CERTIFICATE), lane });
    rig.route(
      await rig.rawBackend((socket) => {
        upstream = socket;
        socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\n\r\nbegun'));
      }),
    );
    const socket = await open();
    await ask(socket, 'GET / HTTP/1.0\r\nHost: a\r\n\r\n', /begun/);
    const failed = once(socket, 'error');
    upstream!.resetAndDestroy();
    expect((await failed)[0]).toMatchObject({ code: 'ECONNRESET' });
  });

  test('carries a WebSocket', async () => {
    rig = await ProxyRig.start({ front: frontWith(CERTIFICATE), lane });
    rig.route(
      await rig.rawBackend((socket) => {
        socket.once('data', () => {
          socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n');
          socket.on('data', (bytes) => socket.write(bytes));
        });
      }),
    );
    const socket = await open();
    const upgrade = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n';
    expect(await ask(socket, upgrade, /\r\n\r\n/)).toMatch(/^HTTP\/1\.1 101/);
    expect(await ask(socket, 'octets', /octets/)).toBe('octets');
  });
});

describe('a handshake', () => {
  test.each([
    ['plain HTTP', GET],
    ['garbage', 'x'.repeat(600)],
    ['half a record', Buffer.from([0x16, 0x03, 0x01, 0x00])],
  ])('of %s is the end of that connection alone', async (_what, octets) => {
    await start();
    const raw = connectPlain(rig.port, '127.0.0.1');
    raw.on('error', () => undefined);
    raw.resume();
    raw.end(octets);
    await once(raw, 'close');
    expect(await ask(await open(), GET, /\}$/)).toMatch(/^HTTP\/1\.1 200/);
    expect(rig.refusedConnections).toEqual(['bad-handshake']);
  });

  test('that does not come to its end in time is given up', async () => {
    await start({ deadlines: { ...defaultProxyOptions.deadlines, clientHeadMs: 100 } });
    const raw = connectPlain(rig.port, '127.0.0.1');
    raw.on('error', () => undefined);
    raw.resume();
    await once(raw, 'close');
    expect(rig.refusedConnections).toEqual(['handshake-timeout']);
  });

  test('that ends with a request and a reset leaves nothing in flight', async () => {
    rig = await ProxyRig.start({ front: frontWith(CERTIFICATE) });
    rig.route(await rig.rawBackend(() => undefined));
    const raw = connectPlain(rig.port, '127.0.0.1');
    const socket = connect({ socket: raw, ca: CERTIFICATE.cert, servername: 'localhost' });
    socket.on('error', () => undefined);
    await once(socket, 'secureConnect');
    socket.write(GET);
    raw.resetAndDestroy();
    expect((await rig.waitForRecords(1))[0]).toMatchObject({ status: 499, endedBy: 'client' });
  });

  test('under way does not hold up a proxy that closes', async () => {
    await start();
    const raw = connectPlain(rig.port, '127.0.0.1');
    raw.on('error', () => undefined);
    raw.resume();
    await once(raw, 'connect');
    // Accepted behind it, so that one is in.
    await ask(await open(), GET, /\}$/);
    const closed = once(raw, 'close');
    await rig.proxy.close({ graceMs: 60_000 });
    await closed;
  });
});

test('another certificate is for new connections; those that are open go on', async () => {
  await start();
  const before = await open();
  await ask(before, GET, /\}$/);
  rig.proxy.applyOptions({ ...defaultProxyOptions, front: frontWith(OTHER_CERTIFICATE) });
  const after = await open({ trust: OTHER_CERTIFICATE });
  expect(await ask(after, GET, /\}$/)).toMatch(/^HTTP\/1\.1 200/);
  expect(await ask(before, GET, /\}$/)).toMatch(/^HTTP\/1\.1 200/);
});

test('a PROXY header comes before the handshake, and says who the client is', async () => {
  const front = { ...frontWith(CERTIFICATE), proxyProtocol: true };
  await start({ front, trustedProxies: ['127.0.0.1'] });
  const socket = await open({ preface: headerFromIPv4('192.0.2.7') });
  expect(await ask(socket, GET, /\}$/)).toMatch(/"x-forwarded-for":"192\.0\.2\.7"/);
});
