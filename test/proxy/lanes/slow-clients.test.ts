// Clients that take or send late, or not at all: the first get everything, the others hold nothing for ever, and no upstream
// is blamed for either.

import { once } from 'node:events';
import type { Socket } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { afterEach, describe, expect, test } from '@jest/globals';
import { defaultProxyOptions } from '../../../proxy/index.js';
import { ProxyRig, statusOf } from '../../support/proxy-rig.js';
import { SlowClient } from '../../support/slow-client.js';

const GET = 'GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';
const STREAM_HEAD = 'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n';

let rig: ProxyRig;

afterEach(() => rig.close());

/** Answers each connection's request by `answer`. */
function backend(answer: (socket: Socket) => void): Promise<number> {
  return rig.rawBackend((socket) => void socket.once('data', () => answer(socket)));
}

function connectSlow(): SlowClient {
  const slow = new SlowClient();
  slow.on('error', () => undefined);
  rig.proxy.frontServer.emit('connection', slow);
  return slow;
}

function bodyBytes(chunked: string): number {
  let bytes = 0;
  for (const piece of chunked.slice(chunked.indexOf('\r\n\r\n')).matchAll(/x+/g)) bytes += piece[0].length;
  return bytes;
}

describe.each(['auto', 'full'] as const)('with lane %s', (lane) => {
  test.each([20_000, 70_000, 300_000, 3_000_000])(
    'an answer of %d octets that ends with its connection reaches a client that takes it late',
    async (bytes) => {
      rig = await ProxyRig.start({ lane });
      rig.route(
        await backend((socket) => {
          socket.write(STREAM_HEAD);
          socket.end('x'.repeat(bytes));
        }),
      );
      const slow = connectSlow();
      slow.push(GET);
      await slow.offered();
      // Small ones have come, and their end too, before the client takes the first piece.
      for (let others = 0; others < 3; others += 1) await rig.exchange(GET);
      let received = '';
      while (!received.endsWith('0\r\n\r\n')) {
        await slow.offered();
        received += slow.takePiece().toString('latin1');
      }
      expect(bodyBytes(received)).toBe(bytes);
      expect(rig.records.map(({ endedBy }) => endedBy)).toEqual(['served', 'served', 'served', 'served']);
    },
  );

  test('a graceful close lets a client take what is whole already', async () => {
    rig = await ProxyRig.start({ lane });
    const answer = `HTTP/1.1 200 OK\r\nContent-Length: 20000\r\n\r\n${'x'.repeat(20_000)}`;
    rig.route(await backend((socket) => void socket.write(answer)));
    const slow = connectSlow();
    slow.push('GET /x HTTP/1.1\r\nHost: a\r\n\r\n');
    await slow.offered();
    await rig.waitForRecords(1);
    const closing = rig.proxy.close({ graceMs: 60_000 });
    await setImmediate();
    let received = '';
    while (!slow.destroyed && bodyBytes(received) < 20_000) {
      await slow.offered();
      received += slow.takePiece().toString('latin1');
    }
    expect(bodyBytes(received)).toBe(20_000);
    await closing;
  });

  test('requests that came before their client ended its side are all answered', async () => {
    rig = await ProxyRig.start({ lane });
    rig.route(await rig.httpBackend(({ url }, response) => void response.end(url)));
    const client = await rig.connect();
    for (const target of ['/1', '/2', '/3']) client.write(`GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`);
    client.socket.end();
    expect(await client.waitForEnd()).toMatch(/\/1[^]*\/2[^]*\/3/);
    await rig.waitForRecords(3);
  });

  test('an answer without a length that is reset never looks whole', async () => {
    rig = await ProxyRig.start({ lane });
    let reset = () => undefined as void;
    rig.route(
      await backend((socket) => {
        reset = () => void socket.resetAndDestroy();
        socket.write(`${STREAM_HEAD}data: 1\n\n`);
      }),
    );
    const client = await rig.connect();
    await client.write(GET).waitFor(/data: 1/);
    reset();
    const received = await client.waitForEnd();
    expect(received).not.toMatch(/0\r\n\r\n$/);
    expect((await rig.waitForRecords(1))[0]).toMatchObject({ endedBy: 'upstream', code: 'upstream-reset' });
  });
});

const deadlines = { ...defaultProxyOptions.deadlines, bodyIdleMs: 50 };

describe('in the fast lane', () => {
  class TcpLikeClient extends SlowClient {
    wasReset = false;

    resetAndDestroy(): void {
      this.wasReset = true;
      this.destroy();
    }
  }

  test.each([
    ['that ends with its connection is reset', 'HTTP/1.1 200 OK\r\n\r\n', true],
    ['with a length is cut', 'HTTP/1.1 200 OK\r\nContent-Length: 10000000\r\n\r\n', false],
  ])('a client that takes nothing of an answer %s', async (_what, head, reset) => {
    rig = await ProxyRig.start({ deadlines });
    rig.route(await backend((socket) => void socket.end(head + 'x'.repeat(10_000_000))));
    const slow = new TcpLikeClient();
    rig.proxy.frontServer.emit('connection', slow);
    const closed = once(slow, 'close');
    slow.push('GET /x HTTP/1.0\r\nHost: a\r\n\r\n');
    await closed;
    expect(slow.wasReset).toBe(reset);
    expect(await rig.waitForRecords(1)).toMatchObject([{ endedBy: 'client' }]);
  });
});

describe('in the full lane', () => {
  test.each([
    ['with more to come', 10_000_000],
    ['with nothing to come', 2_000],
  ])('a client that takes nothing is cut, %s', async (_when, bytes) => {
    rig = await ProxyRig.start({ lane: 'full', deadlines });
    rig.route(await backend((socket) => void socket.end(STREAM_HEAD + 'x'.repeat(bytes))));
    const slow = connectSlow();
    slow.push(GET);
    await once(slow, 'close');
    const [record] = await rig.waitForRecords(1);
    expect(record!.endedBy).toBe(bytes > 65_536 ? 'client' : 'served');
    expect(rig.incidents).toEqual([]);
  });

  test('a client that sends no more of its body is answered 408, and its upstream hears no more of it', async () => {
    rig = await ProxyRig.start({ lane: 'full', deadlines });
    let closed: Promise<unknown> | undefined;
    rig.route(await backend((socket) => void (closed = once(socket, 'close'))));
    const client = await rig.connect();
    const received = await client.write('POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhi').waitForEnd();
    await closed;
    expect(statusOf(received)).toBe(408);
    expect(received).toMatch(/^x-understudy-reason: client-body-timeout\r$/im);
    expect(rig.records[0]).toMatchObject({ endedBy: 'client', code: 'client-body-timeout', status: 408 });
    expect(rig.incidents).toEqual([]);
  });
});
