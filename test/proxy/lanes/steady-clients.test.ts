// Clients that do their part slowly: as long as octets move nobody is cut, however long it takes altogether. By a clock that
// only the test moves.

import { once } from 'node:events';
import type { Socket } from 'node:net';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { createProxy, defaultProxyOptions, type Proxy, type ProxyOptions } from '../../../proxy/index.js';
import { blindObserver } from '../../../proxy/request-record.js';
import { silentLog } from '../../../src/core/log.js';
import { ManualClock } from '../../support/manual-clock.js';
import { targetFor } from '../../support/proxy-rig.js';
import { RawConnection } from '../../support/raw-connection.js';
import { SlowClient } from '../../support/slow-client.js';

/** Two of them are longer than anybody may be silent. */
const PAUSE_MS = defaultProxyOptions.deadlines.bodyIdleMs * 0.6;

let clock: ManualClock;
let proxy: Proxy;
let port: number;
let server: Server;
let upstream: Socket;

beforeEach(() => {
  clock = new ManualClock();
});

afterEach(async () => {
  let closed = false;
  const closing = proxy.close({ graceMs: 0 }).then(() => (closed = true));
  while (!closed) {
    clock.advance(100);
    await setImmediate();
  }
  await closing;
  upstream.destroy();
  server.close();
});

/** The upstream's connection answers its first octets. */
async function start(lane: ProxyOptions['lane'], answer: string): Promise<void> {
  server = createServer((socket) => {
    upstream = socket;
    socket.on('error', () => undefined);
    socket.once('data', () => socket.write(answer));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const options = { ...defaultProxyOptions, lane, front: { host: '127.0.0.1', port: 0 } };
  const chance = () => 0.5;
  const onIncident = () => undefined;
  proxy = createProxy(options, { clock, random: chance, log: silentLog, observer: blindObserver, onIncident });
  port = (await proxy.listen()).port;
  proxy.applyTargets([targetFor((server.address() as AddressInfo).port)]);
}

test.each(['auto', 'full'] as const)(
  'an upload goes on behind an early answer for as long as it moves, lane %s',
  async (lane) => {
    await start(lane, 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nbegun');
    const client = await RawConnection.open(port);
    await client.write('POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n0').waitFor(/begun$/);
    for (const octet of 'abc') {
      clock.advance(PAUSE_MS);
      const heard = once(upstream, 'data');
      client.write(octet);
      await Promise.race([heard, client.waitForEnd()]);
    }
    upstream.write('ended');
    expect(await client.waitFor(/ended$/)).toMatch(/begunended$/);
    client.close();
  },
);

test.each(['auto', 'full'] as const)('an answer that falls silent is broken off, lane %s', async (lane) => {
  await start(lane, 'HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nbegun');
  const client = await RawConnection.open(port);
  await client.write('GET /x HTTP/1.1\r\nHost: a\r\n\r\n').waitFor(/begun$/);
  clock.advance(PAUSE_MS);
  await setImmediate();
  expect(client.ended).toBe(false);
  clock.advance(PAUSE_MS);
  await client.waitForEnd();
  client.close();
});

test('a client takes what is whole already, piece by piece, in the full lane', async () => {
  const chunk = `${(17_000).toString(16)}\r\n${'x'.repeat(17_000)}\r\n`;
  await start('full', `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${chunk.repeat(3)}0\r\n\r\n`);
  const slow = new SlowClient();
  slow.on('error', () => undefined);
  proxy.frontServer.emit('connection', slow);
  slow.push('GET /x HTTP/1.1\r\nHost: a\r\n\r\n');
  await slow.offered();
  // Behind the proxy's own listener, which has heard of it by then.
  slow.on('drain', () => clock.advance(PAUSE_MS));
  let received = '';
  while (!slow.destroyed && !received.endsWith('0\r\n\r\n')) {
    await slow.offered();
    received += slow.takePiece().toString('latin1');
  }
  expect(received.match(/x{17000}/g)).toHaveLength(3);
  expect(received).toMatch(/\r\n0\r\n\r\n$/);
});
