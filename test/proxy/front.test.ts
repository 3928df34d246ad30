// The fronts when a connection can't be accepted (no descriptors, no memory): told, and nobody else is the worse for it.
import { afterEach, expect, test } from '@jest/globals';
import { ProxyRig, statusOf } from '../support/proxy-rig.js';
import { frontWith, CERTIFICATE } from '../support/certificates.js';

let rig: ProxyRig;

afterEach(() => rig.close());

test.each([
  ['a plain front', undefined],
  ['a front with TLS', frontWith(CERTIFICATE)],
])('%s goes on, however often that happens', async (_what, front) => {
  rig = await ProxyRig.start(front === undefined ? {} : { front });
  rig.route(await rig.httpBackend((_request, response) => response.end('served')));
  for (let times = 0; times < 2; times++) rig.proxy.frontServer.emit('error', new Error('accept ENFILE'));
  const answer = await rig.exchange('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  expect(statusOf(answer)).toBe(200);
});
