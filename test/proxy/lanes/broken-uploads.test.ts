// Uploads that break, or stand still, after their answer has begun: the client is cut in a way that looks like no end, it is
// counted once, and no upstream is blamed.

import { afterEach, describe, expect, test } from '@jest/globals';
import { defaultProxyOptions } from '../../../proxy/index.js';
import { ProxyRig, targetFor } from '../../support/proxy-rig.js';
import type { RawConnection } from '../../support/raw-connection.js';

const POST = 'POST /x HTTP/1.1\r\nHost: a\r\n';

let rig: ProxyRig;

afterEach(() => rig.close());

/** A client that has the beginning of an answer, and has not sent all of its request. */
async function answeredEarly(request: string): Promise<RawConnection> {
  const answer = 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nbegun';
  rig.route(await rig.rawBackend((socket) => void socket.once('data', () => socket.write(answer))));
  const client = (await rig.connect()).write(request);
  await client.waitFor(/begun$/);
  return client;
}

describe.each(['auto', 'full'] as const)('with lane %s', (lane) => {
  test('a malformed chunk ends both, and the request is counted once', async () => {
    rig = await ProxyRig.start({ lane });
    const client = await answeredEarly(`${POST}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n`);
    client.write('no chunk\r\n');
    await client.waitForEnd();
    expect(client.reset).toBe(true);
    expect(await rig.waitForRecords(1)).toMatchObject([{ endedBy: 'client' }]);
    expect(rig.proxy.stats().inflight).toBe(0);
  });

  test.each([
    ['too large', 'ff\r\nhello\r\n', { status: 413, code: 'body-too-large', endedBy: 'proxy' }],
    ['malformed', 'no chunk\r\n', { status: 400, code: 'bad-request', endedBy: 'client' }],
  ])('one that turns out to be %s after a 100 is refused, and counted as that', async (_what, rest, told) => {
    rig = await ProxyRig.start({ lane, limits: { ...defaultProxyOptions.limits, maxBodyBytes: 10 } });
    rig.route(await rig.httpBackend((request) => void request.resume().on('error', () => undefined)));
    const client = (await rig.connect()).write(`${POST}Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n`);
    await client.waitFor(/100 Continue\r\n\r\n/);
    const received = await client.write(`5\r\nhello\r\n${rest}`).waitForEnd();
    expect(received).toMatch(new RegExp(`\r\n\r\nHTTP/1.1 ${told.status} `));
    expect(client.reset).toBe(false);
    expect(rig.records).toMatchObject([told]);
    expect(rig.proxy.trafficOf(targetFor(0))).toMatchObject({ inflight: 0, failures: 0 });
  });

  test.each([
    ['by its length', 'Content-Length: 11\r\n\r\n'],
    ['in the block of its head', 'Transfer-Encoding: chunked\r\n\r\nff\r\nhello\r\n'],
  ])('one that is too large %s is told with all that its head says', async (_what, rest) => {
    rig = await ProxyRig.start({ lane, limits: { ...defaultProxyOptions.limits, maxBodyBytes: 10 } });
    const client = (await rig.connect()).write(`${POST}User-Agent: uploader\r\n${rest}`);
    expect(await client.waitForEnd()).toMatch(/^HTTP\/1.1 413 /);
    const asked = {
      method: 'POST',
      path: '/x',
      client: { address: '127.0.0.1', httpVersion: '1.1', userAgent: 'uploader' },
    };
    expect(rig.records).toMatchObject([{ ...asked, status: 413, code: 'body-too-large', endedBy: 'proxy' }]);
  });

  test.each([
    ['expects what is not known', 'Expect: more\r\nContent-Length: 2\r\n\r\nhi', 417],
    ['has a coding that is not known', 'Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n', 501],
  ])('one that %s is told with what was asked for', async (_what, rest, status) => {
    rig = await ProxyRig.start({ lane });
    expect(await (await rig.connect()).write(`${POST}${rest}`).waitForEnd()).toMatch(`HTTP/1.1 ${status} `);
    expect(rig.records).toMatchObject([{ method: 'POST', path: '/x', status, endedBy: 'proxy' }]);
  });

  test('one that is malformed from its first octet is refused and counted', async () => {
    rig = await ProxyRig.start({ lane });
    const client = (await rig.connect()).write(`${POST}Transfer-Encoding: chunked\r\n\r\nno chunk\r\n`);
    expect(await client.waitForEnd()).toMatch(/^HTTP\/1.1 400 /);
    expect(rig.records).toMatchObject([{ status: 400, code: 'bad-request' }]);
    expect(rig.proxy.stats().inflight).toBe(0);
  });

  test('a client that sends no more of it is cut, and its upstream is not blamed', async () => {
    rig = await ProxyRig.start({ lane, deadlines: { ...defaultProxyOptions.deadlines, bodyIdleMs: 50 } });
    const client = await answeredEarly(`${POST}Content-Length: 4\r\n\r\nab`);
    expect(await client.waitForEnd()).toMatch(/begun$/);
    expect(await rig.waitForRecords(1)).toMatchObject([{ status: 200, endedBy: 'client' }]);
    expect(rig.proxy.trafficOf(targetFor(0))).toMatchObject({ inflight: 0, failures: 0 });
  });
});
