// RFC 9110 section 7.8 and RFC 6455: what an upstream gets of a request that asks for an upgrade, and what becomes of an
// answer that agrees to it or does not. Such a request is one like any other until the 101 is there.

import { once } from 'node:events';
import type { Socket } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { defaultProxyOptions } from '../../../proxy/index.js';
import { LANES } from '../../support/conformance-rig.js';
import { ProxyRig, targetFor } from '../../support/proxy-rig.js';
import type { RawConnection } from '../../support/raw-connection.js';

const FIELDS =
  'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n';
const asking = (target: string, fields = FIELDS) => `GET ${target} HTTP/1.1\r\nHost: a\r\n${fields}\r\n`;
const SWITCHED = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n';

describe.each(LANES)('upgrades, lane %s', (lane) => {
  let rig: ProxyRig;

  beforeEach(async () => {
    rig = await ProxyRig.start({ lane });
  });

  afterEach(() => rig.close());

  /** What a backend got of one request that was answered with `answer`, and the client's answer. */
  async function exchange(request: string, answer: string, end = true): Promise<{ sent: string; got: string }> {
    let sent = '';
    const onConnection = (socket: Socket) => {
      socket.setEncoding('latin1');
      socket.on('data', (text: string) => {
        sent += text;
        if (!sent.endsWith('\r\n\r\n')) return;
        socket.write(answer, 'latin1');
        if (end) socket.end();
      });
    };
    rig.route(await rig.rawBackend(onConnection));
    const got = await rig.exchange(request);
    return { sent, got };
  }

  const DECLINED = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno';

  test.each([
    '/\\[',
    '/\\',
    '/\\:',
    '/\\@',
    '/a\\b',
    '/a/../admin',
    '/a/%2e%2e/admin',
    '/\\evil/x',
    '/ws?',
    '/"<>{}`|^',
    '//x',
  ])('the target %s goes on octet by octet', async (target) => {
    const { sent, got } = await exchange(asking(target), DECLINED);
    expect(sent.split('\r\n')[0]).toBe(`GET ${target} HTTP/1.1`);
    expect(got).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  });

  test('fields go on as those of any other request, repeated ones too', async () => {
    const fields = `${FIELDS}Cookie: a=1\r\nCookie: b=2\r\nSec-WebSocket-Protocol: x\r\nSec-WebSocket-Protocol: y\r\nVia: 1.1 edge\r\n`;
    const { sent } = await exchange(asking('/ws', fields), DECLINED);
    const lines = sent.split('\r\n');
    for (const line of fields.split('\r\n').slice(2, -1)) expect(lines).toContain(line);
    expect(lines.filter((line) => /^(connection|upgrade):/i.test(line))).toEqual([
      'Connection: Upgrade',
      'Upgrade: websocket',
    ]);
  });

  test('only the upgrade is for this hop: nothing that a client names beside it can end ours', async () => {
    const fields = FIELDS.replace('Connection: Upgrade', 'Connection: Upgrade, X-Forwarded-For, Authorization, X-Hop');
    const { sent } = await exchange(asking('/ws', `${fields}X-Hop: 1\r\nAuthorization: me\r\n`), DECLINED);
    expect(sent).toMatch(/\r\nX-Forwarded-For: /i);
    expect(sent).toMatch(/\r\nAuthorization: me\r\n/);
    expect(sent).not.toMatch(/X-Hop/i);
  });

  test('the answer that agrees has nothing of the hop before it but the upgrade', async () => {
    const answer = `${SWITCHED}Content-Length: 5\r\nKeep-Alive: timeout=5\r\nSec-WebSocket-Accept: \xfc\r\n\r\n\x88\x02\x03\xe8`;
    const { got } = await exchange(asking('/ws'), answer);
    expect(got).toBe(
      'HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: \xfc\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n\x88\x02\x03\xe8',
    );
  });

  test.each([
    ['does not say to what', 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n\r\n'],
    ['names two', `${SWITCHED}Upgrade: other\r\n\r\n`],
  ])('a 101 that %s is a 502', async (_what, answer) => {
    const { got } = await exchange(asking('/ws'), answer);
    expect(got).toMatch(/^HTTP\/1\.1 502 [^]*"code":"bad-response"/);
  });

  test('a WebSocket is opened by GET alone: to any other method the upgrade is not offered', async () => {
    const fields = FIELDS.replace('Connection: Upgrade', 'Connection: Upgrade, close');
    const { sent, got } = await exchange(asking('/ws', fields).replace('GET', 'POST'), DECLINED);
    expect(sent).toMatch(/^POST \/ws /);
    expect(sent).not.toMatch(/\r\nupgrade:/i);
    expect(got).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  });

  test.each(['Content-Length: 0', 'Content-Length: 5', 'Transfer-Encoding: chunked'])(
    'one that declares a body is refused: %s',
    async (field) => {
      const received = await rig.exchange(asking('/ws', `${FIELDS}${field}\r\n`));
      expect(received).toMatch(/^HTTP\/1\.1 400 [^]*must not have a body/);
    },
  );

  test('another protocol is tunnelled where it is configured', async () => {
    await rig.close();
    rig = await ProxyRig.start({ lane, upgrades: ['websocket', 'echo/1'] });
    const switched = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: Echo/1\r\n\r\nwelcome';
    const { got } = await exchange(asking('/e', 'Connection: upgrade\r\nUpgrade: echo/1\r\n'), switched);
    expect(got).toMatch(/^HTTP\/1\.1 101 [^]*\r\n\r\nwelcome$/);
  });

  describe('of another protocol whose upstream has ended its side', () => {
    let heard: string;
    let upstream: Socket;
    let ended: Promise<void>;
    let client: RawConnection;

    beforeEach(async () => {
      await rig.close();
      rig = await ProxyRig.start({ lane, upgrades: ['echo/1'] });
      heard = '';
      const onConnection = (socket: Socket) => {
        upstream = socket;
        ended = new Promise<void>((resolve) => socket.once('end', () => resolve()));
        socket.once('data', () => {
          socket.on('data', (octets: Buffer) => (heard += octets.toString('latin1')));
          socket.end('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo/1\r\n\r\nbye');
        });
      };
      rig.route(await rig.rawBackend(onConnection));
      client = (await rig.connect()).write(asking('/e', 'Connection: upgrade\r\nUpgrade: echo/1\r\n'));
      expect(await client.waitForEnd()).toMatch(/^HTTP\/1\.1 101 [^]*\r\n\r\nbye$/);
    });

    test('the client is heard until it ends its own', async () => {
      client.write('still here').socket.end();
      await ended;
      expect(heard).toBe('still here');
      expect(await rig.waitForRecords(1)).toMatchObject([{ status: 101, endedBy: 'served', code: undefined }]);
    });

    test('the client learns that nobody listens any more', async () => {
      upstream.destroy();
      while (!client.socket.destroyed) {
        client.write('still here');
        await setImmediate();
      }
      expect(await rig.waitForRecords(1)).toMatchObject([{ status: 101, code: 'upstream-reset' }]);
    });
  });

  test('a tunnel goes where its cookie goes', async () => {
    await rig.close();
    rig = await ProxyRig.start({
      lane,
      balance: { ...defaultProxyOptions.balance, policy: 'hash', hashOn: 'cookie:sid' },
    });
    const backend = (name: string) =>
      rig.rawBackend((socket) =>
        socket.on('data', () => socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n${name}`)),
      );
    rig.route(await backend('a'), await backend('b'));
    const last = async (request: string) => (await rig.exchange(request)).at(-1);
    const places = new Set<string | undefined>();
    for (let session = 0; session < 12; session += 1) {
      const cookie = `Cookie: sid=${session}\r\n`;
      const place = await last(asking('/ws', FIELDS + cookie));
      expect(await last(asking('/', `Connection: close\r\n${cookie}`))).toBe(place);
      places.add(place);
    }
    expect(places.size).toBe(2);
  });

  describe('declined', () => {
    test.each([
      ['a length', 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc'],
      ['chunks', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab'],
    ])('an answer with %s that breaks off is cut', async (_framing, answer) => {
      await exchange(asking('/ws'), answer);
      expect(await rig.waitForRecords(1)).toMatchObject([{ endedBy: 'upstream' }]);
      expect(rig.proxy.stats().inflight).toBe(0);
    });

    test('an answer that falls silent has a deadline', async () => {
      await rig.close();
      rig = await ProxyRig.start({ lane, deadlines: { ...defaultProxyOptions.deadlines, bodyIdleMs: 50 } });
      await exchange(asking('/ws'), 'HTTP/1.1 200 OK\r\nContent-Length: 9999999\r\n\r\nabc', false);
      expect(await rig.waitForRecords(1)).toMatchObject([{ endedBy: 'upstream', code: 'body-timeout' }]);
    });

    test('an answer ends at once for the upstream when its client leaves', async () => {
      let upstream: Socket | undefined;
      const backend = await rig.rawBackend((socket) => {
        upstream = socket;
        socket.once('data', () =>
          socket.write('HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n'),
        );
      });
      rig.route(backend);
      const client = (await rig.connect()).write(asking('/ws'));
      await client.waitFor(/data: 1/);
      const closed = once(upstream!, 'close');
      client.close();
      await closed;
      await rig.proxy.waitIdle(targetFor(0));
    });

    test.each(['204 No Content', '304 Not Modified'])('a %s has no body', async (status) => {
      const { got } = await exchange(asking('/ws'), `HTTP/1.1 ${status}\r\nX-A: 1\r\nX-A: 2\r\n\r\n`);
      expect(got).toMatch(
        new RegExp(
          `^HTTP/1\\.1 ${status}\\r\\nX-A: 1\\r\\nX-A: 2\\r\\nDate: [^\\r]+\\r\\nConnection: close\\r\\n\\r\\n$`,
        ),
      );
    });

    test('what its upstream says of its own hop ends here', async () => {
      const answer = 'HTTP/1.1 200 \xd6K\r\nConnection: X-Hop\r\nX-Hop: 1\r\nContent-Length: 2\r\n\r\nno';
      const { got } = await exchange(asking('/ws'), answer);
      expect(got).toMatch(/^HTTP\/1\.1 200 \xd6K\r\n/);
      expect(got).not.toMatch(/X-Hop|upgrade/i);
    });
  });

  async function openTunnel(): Promise<{ client: RawConnection; upstream: Socket }> {
    let upstream: Socket | undefined;
    const backend = await rig.rawBackend((socket) => {
      upstream = socket;
      socket.once('data', () => socket.write(`${SWITCHED}\r\n`));
    });
    rig.route(backend);
    const client = (await rig.connect()).write(asking('/ws'));
    await client.waitFor(/^HTTP\/1\.1 101 [^]*\r\n\r\n/);
    return { client, upstream: upstream! };
  }

  test('a tunnel whose client goes without a word is given up', async () => {
    const { client, upstream } = await openTunnel();
    const closed = once(upstream, 'close');
    client.close();
    await closed;
    await rig.proxy.waitIdle(targetFor(0));
    expect(rig.records).toMatchObject([{ status: 101 }]);
  });

  test('the end of what a client sends through a tunnel is passed on', async () => {
    const { client, upstream } = await openTunnel();
    const ended = once(upstream, 'end');
    upstream.resume();
    client.socket.end();
    await ended;
    expect(await client.waitForEnd()).toMatch(/\r\n\r\n$/);
    expect(await rig.waitForRecords(1)).toMatchObject([{ status: 101, endedBy: 'client', code: undefined }]);
  });

  test('a tunnel that is half closed ends when nothing moves through it any more', async () => {
    await rig.close();
    rig = await ProxyRig.start({ lane, deadlines: { ...defaultProxyOptions.deadlines, bodyIdleMs: 50 } });
    const { client, upstream } = await openTunnel();
    // It keeps its own side open.
    upstream.allowHalfOpen = true;
    client.socket.end();
    // 1001: we leave.
    expect((await client.waitForEnd()).slice(-4)).toBe('\x88\x02\x03\xe9');
    expect(await rig.waitForRecords(1)).toMatchObject([{ status: 101, endedBy: 'proxy', code: 'body-timeout' }]);
    expect(rig.proxy.trafficOf(targetFor(0))).toMatchObject({ inflight: 0, failures: 0 });
  });
});
