// Answers that are broken off, or come too early: nobody takes a part for the whole, and no connection for one that goes on.
import type { Socket } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { ProxyRig } from '../../support/proxy-rig.js';

const GET = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';
const FIRST = { id: 'a/1', generation: 1 };

let rig: ProxyRig;

describe.each(['fast', 'full'] as const)('with lane %s:', (lane) => {
  beforeEach(async () => {
    rig = await ProxyRig.start({ lane });
  });
  afterEach(() => rig.close());

  test('an answer that ends with its connection is not whole when that is reset together with its last octets', async () => {
    const truncated = (socket: Socket) => {
      socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\n\r\npart', () => socket.resetAndDestroy()));
    };
    rig.route(await rig.rawBackend(truncated));
    const received = await rig.exchange(GET);
    expect(received).not.toMatch(/0\r\n\r\n$/);
    expect((await rig.waitForRecords(1))[0]).toMatchObject({ endedBy: 'upstream', code: 'upstream-reset' });
  });

  test('an answer to half a request ends the connection, and says so', async () => {
    rig.route(
      await rig.rawBackend(
        (socket) => void socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')),
      ),
    );
    const client = await rig.connect();
    client.write(`PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n${'x'.repeat(10)}`);
    expect(await client.waitFor(/ok$/)).toMatch(/^HTTP\/1\.1 200 [^]*\r\nConnection: close\r\n/);
  });

  test('an answer of ours to half a request ends the connection, and says so', async () => {
    await rig.close();
    rig = await ProxyRig.start({ lane, waitingRoom: { capacity: 0, deadlineMs: 10_000 } });
    const client = await rig.connect();
    client.write(`PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n${'x'.repeat(10)}`);
    expect(await client.waitFor(/\}$/)).toMatch(/^HTTP\/1\.1 503 [^]*\r\nConnection: close\r\n/);
  });

  test('an upstream on probation is believed when its answer begins, though that may last for hours', async () => {
    let isIll = true;
    const first = await rig.httpBackend((request, response) => {
      if (isIll) return void request.socket.destroy();
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('data: first\n\n');
    });
    rig.route(first, await rig.httpBackend((_request, response) => response.end('second')));
    const breaker = () => rig.proxy.trafficOf(FIRST)?.breaker;
    while (breaker() !== 'open') await rig.exchange(GET);
    isIll = false;
    while (breaker() !== 'half-open') await setImmediate();
    for (let isFirst = false; !isFirst;) {
      const client = await rig.connect();
      isFirst = /first/.test(await client.write(GET).waitFor(/first|second/));
    }
    expect(breaker()).toBe('closed');
  });

  test('comments that ask whether a client still listens are no end of an event', async () => {
    let finish = () => undefined as void;
    rig.route(
      await rig.rawBackend((socket) => {
        socket.once('data', () => {
          socket.write('HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: one\n');
          finish = () => void socket.end('data: two\n\n');
        });
      }),
    );
    const client = await rig.connect();
    client.socket.end('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await client.waitFor(/\n:\n/);
    finish();
    expect(bodyOfChunks(await client.waitForEnd()).replaceAll(':\n', '')).toBe('data: one\ndata: two\n\n');
  });
});

function bodyOfChunks(received: string): string {
  // What a half-closed client is asked by before the answer is an answer of its own.
  const answer = received.slice(received.indexOf('HTTP/1.1 200'));
  const body = answer.slice(answer.indexOf('\r\n\r\n') + 4);
  return body.replace(/([0-9a-f]+)\r\n([^]*?)\r\n(?=[0-9a-f]+\r\n|$)/g, '$2');
}
