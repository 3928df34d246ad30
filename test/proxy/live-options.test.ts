import type { ServerResponse } from 'node:http';
import { setImmediate } from 'node:timers/promises';
import { afterEach, expect, test } from '@jest/globals';
import { defaultProxyOptions } from '../../proxy/index.js';
import { ProxyRig, statusOf } from '../support/proxy-rig.js';

let rig: ProxyRig;

afterEach(() => rig.close());

function request(fields = ''): string {
  return `GET / HTTP/1.1\r\nHost: a\r\n${fields}Connection: close\r\n\r\n`;
}

test('a proxy serves those who wait as soon as a worker may take more', async () => {
  rig = await ProxyRig.start({ maxInflightPerWorker: 1 });
  const held: ServerResponse[] = [];
  // Answers nobody before both have arrived.
  const port = await rig.httpBackend((_, response) => {
    held.push(response);
    if (held.length === 2) for (const each of held) each.end();
  });
  rig.route(port);
  const answers = [rig.exchange(request()), rig.exchange(request())];
  while (rig.proxy.stats().waiting === 0) await setImmediate();
  rig.proxy.applyOptions({ ...defaultProxyOptions, maxInflightPerWorker: 2 });
  expect((await Promise.all(answers)).map(statusOf)).toEqual([200, 200]);
});

test('a proxy holds the next request to the new limits', async () => {
  rig = await ProxyRig.start();
  rig.route(await rig.httpBackend((_, response) => response.end()));
  const long = `a: ${'x'.repeat(2_000)}\r\n`;
  expect(statusOf(await rig.exchange(request(long)))).toBe(200);
  const limits = { ...defaultProxyOptions.limits, maxHeadBytes: 1_000 };
  rig.proxy.applyOptions({ ...defaultProxyOptions, limits });
  expect(statusOf(await rig.exchange(request(long)))).toBe(431);
});

test('a proxy lets a stream that is under way go on when its deadlines change', async () => {
  rig = await ProxyRig.start();
  let finish = () => undefined as void;
  const port = await rig.httpBackend((_, response) => {
    response.write('first');
    finish = () => void response.end('last');
  });
  rig.route(port);
  const connection = await rig.connect();
  await connection.write(request()).waitFor(/first/);
  const deadlines = { ...defaultProxyOptions.deadlines, upstreamIdleMs: 1_000 };
  rig.proxy.applyOptions({ ...defaultProxyOptions, deadlines });
  finish();
  expect(await connection.waitForEnd()).toMatch(/first[\s\S]*last[\s\S]*0\r\n\r\n$/);
});
