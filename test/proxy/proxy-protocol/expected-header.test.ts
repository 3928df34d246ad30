import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { defaultProxyOptions, type ProxyOptions } from '../../../proxy/index.js';
import { binaryHeader, headerFromIPv4 } from '../../support/proxy-headers.js';
import { ProxyRig } from '../../support/proxy-rig.js';
import type { RawConnection } from '../../support/raw-connection.js';
import { RecordingBackend } from '../../support/recording-backend.js';

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const LAST = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';
const LINE = 'PROXY TCP4 192.0.2.7 198.51.100.2 56324 443\r\n';
const BINARY = headerFromIPv4('192.0.2.7').toString('latin1');
const BINARY_IPV6 = binaryHeader({
  family: 0x21,
  addresses: [0x20, 1, 0xd, 0xb8, ...Array<number>(11).fill(0), 7, ...Array<number>(20).fill(0)],
}).toString('latin1');

let rig: ProxyRig;

/** Answers with the fields that say where a request comes from. */
function echoOrigin(socket: Socket): void {
  socket.on('data', (bytes: Buffer) => {
    for (const head of bytes.toString('latin1').split('\r\n\r\n').slice(0, -1)) {
      const lines = head.split('\r\n').filter((line) => /^(x-forwarded-for|forwarded):/i.test(line));
      const text = lines.join('\n');
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${text.length}\r\n\r\n${text}`);
    }
  });
}

async function start(options: Partial<ProxyOptions> = {}): Promise<void> {
  rig = await ProxyRig.start({
    front: { ...defaultProxyOptions.front, proxyProtocol: true },
    trustedProxies: ['127.0.0.1'],
    ...options,
  });
}

/** Octet by octet, each in a turn of its own. */
async function trickle(connection: RawConnection, bytes: string): Promise<void> {
  connection.socket.setNoDelay(true);
  for (const octet of bytes) {
    connection.write(octet);
    await connection.flushed();
    await setImmediate();
  }
}

afterEach(() => rig.close());

describe.each(['auto', 'full'] as const)('a connection with a PROXY header, lane %s:', (lane) => {
  beforeEach(async () => {
    await start({ lane });
    rig.route(await rig.rawBackend(echoOrigin));
  });

  test.each([
    ['version 1', LINE, '192.0.2.7', 'for=192.0.2.7'],
    ['version 2', BINARY, '192.0.2.7', 'for=192.0.2.7'],
    ['version 2 with IPv6', BINARY_IPV6, '2001:db8::7', 'for="[2001:db8::7]"'],
    ['a trusted address', 'PROXY TCP4 127.0.0.1 127.0.0.1 1 2\r\n', '127.0.0.1', 'for=127.0.0.1'],
    ['UNKNOWN', 'PROXY UNKNOWN\r\n', '127.0.0.1', 'for=127.0.0.1'],
    ['LOCAL', binaryHeader({ command: 0x20 }).toString('latin1'), '127.0.0.1', 'for=127.0.0.1'],
  ])('is from whom it says: %s', async (_what, header, address, forwarded) => {
    const received = await rig.exchange(header + LAST);
    expect(received).toContain(`X-Forwarded-For: ${address}\n`);
    expect(received).toContain(`Forwarded: ${forwarded};host="a";proto=http`);
    expect((await rig.waitForRecords(1))[0]!.client).toMatchObject({ address });
  });

  test.each([
    ['version 1', LINE],
    ['version 2', BINARY],
  ])('may come octet by octet: %s', async (_what, header) => {
    const connection = await rig.connect();
    await trickle(connection, header + GET);
    await connection.waitFor(/X-Forwarded-For: 192\.0\.2\.7\n/);
  });

  test('may come with several requests behind it, of which each gets its answer, and the last one after its end', async () => {
    const connection = await rig.connect();
    connection.socket.end(LINE + GET + GET + GET, 'latin1');
    const received = await connection.waitForEnd();
    expect(received.match(/X-Forwarded-For: 192\.0\.2\.7\n/g)).toHaveLength(3);
  });

  test('may come alone, with the request long after it', async () => {
    const connection = await rig.connect();
    connection.write(BINARY);
    await connection.flushed();
    for (const _ of [1, 2, 3]) {
      connection.received = '';
      await connection.write(GET).waitFor(/X-Forwarded-For: 192\.0\.2\.7\n/);
    }
  });

  test('is not believed for what its client says of forwarding, unless the client is a trusted proxy too', async () => {
    const claiming = LAST.replace('\r\n\r\n', '\r\nX-Forwarded-For: 203.0.113.9\r\n\r\n');
    expect(await rig.exchange(LINE + claiming)).toContain('X-Forwarded-For: 192.0.2.7\n');
    const options = { ...defaultProxyOptions, lane, trustedProxies: ['127.0.0.1', '192.0.2.0/24'] };
    rig.proxy.applyOptions({ ...options, front: { ...options.front, proxyProtocol: true } });
    expect(await rig.exchange(LINE + claiming)).toContain('X-Forwarded-For: 203.0.113.9, 192.0.2.7\n');
  });

  test('carries a large body that began right behind it', async () => {
    const backend = await RecordingBackend.start();
    rig.route(backend.port);
    const body = 'x'.repeat(3 * 1024 * 1024);
    const head = `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n`;
    expect(await rig.exchange(BINARY + head + body)).toMatch(/^HTTP\/1\.1 200 /);
    expect(backend.requests[0]!.body).toBe(body);
    await backend.close();
  });

  test('may become a WebSocket', async () => {
    let seen = '';
    rig.route(
      await rig.rawBackend((socket) =>
        socket.on('data', (bytes) => {
          seen += bytes.toString('latin1');
          if (seen.endsWith('\r\n\r\n'))
            socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nhello');
          else if (seen.endsWith('frames')) socket.end('bye');
        }),
      ),
    );
    const connection = await rig.connect();
    connection.write(`${LINE}GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`);
    await connection.waitFor(/^HTTP\/1\.1 101 [^]*\r\n\r\nhello$/);
    expect(seen).toContain('X-Forwarded-For: 192.0.2.7\r\n');
    await connection.write('frames').waitFor(/bye$/);
  });

  test('sticks by the address that it says', async () => {
    const options = { ...defaultProxyOptions, lane, trustedProxies: ['127.0.0.1'] };
    rig.proxy.applyOptions({
      ...options,
      front: { ...options.front, proxyProtocol: true },
      balance: { policy: 'hash', hashOn: 'address' },
    });
    const ports = [];
    for (const name of ['one', 'two', 'three'])
      ports.push(await rig.httpBackend((_request, response) => void response.end(name)));
    rig.route(...ports);
    const clients = Array.from({ length: 16 }, (_, index) => `PROXY TCP4 192.0.2.${index} 198.51.100.2 1 2\r\n`);
    const answers = (header: string) => rig.exchange(header + LAST).then((received) => received.split('\r\n\r\n')[1]);
    const first = await Promise.all(clients.map(answers));
    expect(new Set(first).size).toBe(3);
    expect(await Promise.all(clients.map(answers))).toEqual(first);
  });
});

describe('a connection is closed without an answer', () => {
  beforeEach(async () => {
    await start({ deadlines: { ...defaultProxyOptions.deadlines, clientHeadMs: 50 } });
    rig.route(await rig.rawBackend(echoOrigin));
  });

  test.each([
    ['has no header', LAST],
    ['has a wrong line', LINE.replace('TCP4', 'TCP5') + LAST],
    ['has a line without an end', `PROXY UNKNOWN ${'x'.repeat(200)}`],
    ['has a wrong binary header', binaryHeader({ command: 0x31 }).toString('latin1') + LAST],
    ['has a header cut short', binaryHeader({ addresses: [1, 2, 3] }).toString('latin1') + LAST],
    ['begins TLS', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'],
  ])('when it %s', async (_what, bytes) => {
    expect(await rig.exchange(bytes)).toBe('');
    expect(rig.refusedConnections).toEqual(['bad-proxy-header']);
    expect(rig.records).toEqual([]);
  });

  test('when it ends within the header', async () => {
    const connection = await rig.connect();
    connection.socket.end(LINE.slice(0, 20));
    expect(await connection.waitForEnd()).toBe('');
    expect(rig.refusedConnections).toEqual(['bad-proxy-header']);
  });

  test('when it ends without a word, which nobody is blamed for', async () => {
    const connection = await rig.connect();
    connection.socket.end();
    expect(await connection.waitForEnd()).toBe('');
    expect(rig.refusedConnections).toEqual([]);
  });

  test('when it is gone at once, as health checks are, which nobody is blamed for', async () => {
    const connection = await rig.connect();
    connection.socket.resetAndDestroy();
    expect(await rig.exchange(LINE + LAST)).toContain('192.0.2.7');
    expect(rig.refusedConnections).toEqual([]);
  });

  test.each(['', LINE.slice(0, 20), BINARY.slice(0, 20)])('when its header is not whole in time: %j', async (part) => {
    const connection = await rig.connect();
    expect(await connection.write(part).waitForEnd()).toBe('');
    expect(rig.refusedConnections).toEqual(['proxy-header-timeout']);
  });

  test('when it comes from anybody but a trusted proxy, whatever it says', async () => {
    const connection = await rig.connect({ localAddress: '127.0.0.2' });
    expect(await connection.write(LINE + LAST).waitForEnd()).toBe('');
    expect(rig.refusedConnections).toEqual(['untrusted-peer']);
    expect(rig.records).toEqual([]);
  });

  test('when it is reset meanwhile, and the next one is served', async () => {
    const connection = await rig.connect();
    connection.write(LINE.slice(0, 20));
    await connection.flushed();
    const closed = once(connection.socket, 'close');
    connection.socket.resetAndDestroy();
    await closed;
    expect(await rig.exchange(LINE + LAST)).toContain('192.0.2.7');
  });
});

describe('while a header is waited for', () => {
  beforeEach(async () => {
    await start();
    rig.route(await rig.rawBackend(echoOrigin));
  });

  /** One that waits, and is known to. */
  async function waiting(part: string): Promise<RawConnection> {
    const connection = await rig.connect();
    connection.write(part);
    await connection.flushed();
    // Who came later was accepted later.
    await rig.exchange(LINE + LAST);
    return connection;
  }

  test.each(['', LINE.slice(0, 20)])('a stop ends the connection, whatever has come: %j', async (part) => {
    const connection = await waiting(part);
    await rig.proxy.close({ graceMs: 60_000 });
    expect(await connection.waitForEnd()).toBe('');
  });

  test('one that leaves the front to another still serves the connection, once', async () => {
    const connection = await waiting(LINE.slice(0, 20));
    const left = rig.proxy.leave({ graceMs: 60_000 });
    const received = await connection.write(LINE.slice(20) + GET).waitForEnd();
    expect(received).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*Connection: close\r\n[^]*192\.0\.2\.7/);
    connection.close();
    await left;
  });
});
