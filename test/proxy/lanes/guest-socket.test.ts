// A client connection in the full lane, as node:http sees it.

import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { GuestSocket } from '../../../proxy/lanes/guest-socket.js';
import { ProxyRig } from '../../support/proxy-rig.js';
import { SlowClient } from '../../support/slow-client.js';

const STARTED = 'http.server.request.start';

let rig: ProxyRig;
let guests: GuestSocket[];
let responses: ServerResponse[];

function note(message: unknown): void {
  const { socket, response } = message as { readonly socket: unknown; readonly response: ServerResponse };
  if (!(socket instanceof GuestSocket)) return;
  guests.push(socket);
  responses.push(response);
}

beforeEach(async () => {
  guests = [];
  responses = [];
  subscribe(STARTED, note);
  rig = await ProxyRig.start({ lane: 'full' });
});

afterEach(async () => {
  unsubscribe(STARTED, note);
  await rig.close();
});

test('it goes with its client, also between two messages', async () => {
  rig.route(await rig.httpBackend((_request, response) => void response.end('served')));
  const client = await rig.connect();
  await client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n').waitFor(/served$/);
  expect(guests).toHaveLength(1);
  const closed = once(guests[0]!, 'close');
  client.close();
  await closed;
});

test('nothing is added to it for each piece of an answer that its client has still to take', async () => {
  const pieces = 2_000;
  rig.route(
    await rig.httpBackend((_request, response) => {
      for (let piece = 0; piece < pieces; piece += 1) response.write('x'.repeat(100));
      response.end();
    }),
  );
  const slow = new SlowClient();
  rig.proxy.frontServer.emit('connection', slow);
  slow.push('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  let received = '';
  let mostListeners = 0;
  while (!received.endsWith('0\r\n\r\n')) {
    await slow.offered();
    mostListeners = Math.max(mostListeners, responses[0]!.listenerCount('drain'));
    received += slow.takePiece().toString('latin1');
  }
  expect(received.slice(received.indexOf('\r\n\r\n')).match(/x/g)).toHaveLength(pieces * 100);
  expect(mostListeners).toBe(1);
});
