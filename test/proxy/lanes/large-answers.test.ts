// Large answers are written out of the block that they were read into. A client that is slow must still get what was
// meant for it, when the upstream's connection has long gone on to others.
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import { defaultProxyOptions } from '../../../proxy/index.js';
import { ProxyRig } from '../../support/proxy-rig.js';
import { SlowClient } from '../../support/slow-client.js';

/** Several blocks, and a last one large enough not to be copied. */
const BYTES = 300 * 1024;

let rig: ProxyRig;

afterEach(() => rig.close());

/** Octets that tell who they are for, and where they belong. */
function bodyFor(name: string): Buffer {
  const marks = Array.from({ length: BYTES / 16 }, (_, index) => `${name}${index}`.padEnd(16, '.'));
  return Buffer.from(marks.join(''), 'latin1');
}

function request(name: string): string {
  return `GET /${name} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`;
}

function bodyOf(answer: Buffer): Buffer {
  return answer.subarray(answer.indexOf('\r\n\r\n') + 4);
}

describe.each(['auto', 'full'] as const)('with lane %s', (lane) => {
  test('a large answer reaches a slow client as it was, whoever else is served meanwhile', async () => {
    rig = await ProxyRig.start({ lane });
    rig.route(
      await rig.httpBackend(({ url = '' }, response) => {
        response.setHeader('content-length', BYTES);
        response.end(bodyFor(url.slice(1)));
      }),
    );
    const slow = new SlowClient();
    rig.proxy.frontServer.emit('connection', slow);
    slow.push(request('slow'));
    let received = Buffer.alloc(0);
    while (bodyOf(received).length < BYTES) {
      await slow.offered();
      const other = await rig.exchange(request('other'));
      expect(bodyOf(Buffer.from(other, 'latin1')).equals(bodyFor('other'))).toBe(true);
      received = Buffer.concat([received, slow.takePiece()]);
    }
    expect(bodyOf(received).equals(bodyFor('slow'))).toBe(true);
  });

  test('once such an answer is over its upstream may close the connection: the next request goes by another', async () => {
    rig = await ProxyRig.start({ lane, deadlines: { ...defaultProxyOptions.deadlines, upstreamIdleMs: 60_000 } });
    const connections: Socket[] = [];
    rig.route(
      await rig.rawBackend((socket) => {
        const body = connections.push(socket) === 1 ? 'x'.repeat(20_000) : 'small';
        socket.once('data', () => socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`));
      }),
    );
    await rig.exchange(request('large'));
    const closed = once(connections[0]!, 'close');
    connections[0]!.end();
    await closed;
    const answer = await rig.exchange(
      'POST /next HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nConnection: close\r\n\r\nx',
    );
    expect(answer).toMatch(/small$/);
  });
});
