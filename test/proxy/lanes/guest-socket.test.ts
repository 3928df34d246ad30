// A client connection in the full lane, as node:http sees it.

import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { GuestSocket } from '../../../proxy/lanes/guest-socket.js';
import { ProxyRig } from '../../support/proxy-rig.js';

const STARTED = 'http.server.request.start';

let rig: ProxyRig;
let guests: GuestSocket[];

function note(message: unknown): void {
  const { socket } = message as { readonly socket: unknown };
  if (socket instanceof GuestSocket) guests.push(socket);
}

beforeEach(async () => {
  guests = [];
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
