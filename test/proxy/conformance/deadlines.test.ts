// RFC 9112 section 9.5, RFC 9110 sections 15.5.9 and 15.6: what happens when nothing happens in time, or nobody is there.

import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { ConformanceRig, LANES } from '../../support/conformance-rig.js';
import { freePorts } from '../../support/free-port.js';
import { targetFor } from '../../support/proxy-rig.js';
import { answerWithTarget } from '../../support/recording-backend.js';
import { defaultProxyOptions } from '../../../proxy/index.js';
import { readResponses } from '../../support/strict-http.js';

const get = (target: string, fields = '') => `GET ${target} HTTP/1.1\r\nHost: a\r\n${fields}\r\n`;

describe.each(LANES)('conformance, lane %s: time and capacity', (lane) => {
  let rig: ConformanceRig;
  beforeAll(async () => {
    rig = await ConformanceRig.start(lane, {
      waitingRoom: { capacity: 1, deadlineMs: 100 },
      deadlines: {
        clientHeadMs: 1_000,
        clientIdleMs: 1_000,
        connectMs: 250,
        firstByteMs: 1_000,
        bodyIdleMs: 1_000,
        upstreamIdleMs: 4_000,
      },
    });
  });
  afterAll(() => rig.close());
  beforeEach(() => rig.backend.forget());

  test('an idle connection is closed without a word', async () => {
    const client = await rig.proxy.connect();
    client.write(get('/1'));
    await client.waitFor(/GET \/1$/);
    const { messages } = readResponses(await client.waitForEnd(), { methods: [], ended: true });
    expect(messages).toHaveLength(1);
  });

  test.each([
    ['an empty line', '\r\n'],
    ['half an empty line', '\r'],
  ])('a connection that is idle behind %s after a body is closed without a word', async (_what, blank) => {
    const client = await rig.proxy.connect();
    client.write(`POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi${blank}`);
    const { messages } = readResponses(await client.waitForEnd(), { methods: ['POST'], ended: true });
    expect(messages.map(({ status }) => status)).toEqual([200]);
  });

  test('a head that has begun behind an empty line and does not come to its end in time is a 408', async () => {
    const client = await rig.proxy.connect();
    client.write(`${get('/1')}\r\n`);
    await client.waitFor(/GET \/1$/);
    client.write('GET /2 HT');
    const { messages } = readResponses(await client.waitForEnd(), { methods: [], ended: true });
    expect(messages.map(({ status }) => status)).toEqual([200, 408]);
  });

  test('a head that comes piece by piece behind an empty line is served', async () => {
    const client = await rig.proxy.connect();
    client.write(`${get('/1')}\r`);
    await client.waitFor(/GET \/1$/);
    for (const piece of ['\n', 'GET /2 HT', 'TP/1.1\r\nHost: a\r\n', '\r\n']) await client.write(piece).flushed();
    await client.waitFor(/GET \/2$/);
    client.close();
  });

  test('a head that does not come to its end in time is a 408', async () => {
    const client = await rig.proxy.connect();
    client.write('GET / HTTP/1.1\r\nHost: a\r\nX-Slow: ');
    const { messages } = readResponses(await client.waitForEnd(), { methods: [], ended: true });
    expect(messages.map(({ status }) => status)).toEqual([408]);
    await rig.expectClean(1);
  });

  test('where nothing listens, or nobody is there, it is a 503 that says when to come back', async () => {
    const [port] = await freePorts(1);
    for (const ports of [[port!], []]) {
      rig.proxy.route(...ports);
      const received = await rig.proxy.exchange(get('/1', 'Connection: close\r\n'));
      expect(received).toMatch(/^HTTP\/1\.1 50[23] [^]*x-understudy-reason/i);
      if (ports.length === 0) expect(received).toMatch(/^HTTP\/1\.1 503 [^]*retry-after/i);
    }
    rig.proxy.route(rig.backend.port);
    await rig.expectClean(1);
  });
});

describe.each(LANES)('uploads, lane %s', (lane) => {
  test('may take longer than an answer may be waited for', async () => {
    const { deadlines } = defaultProxyOptions;
    const rig = await ConformanceRig.start(lane, { deadlines: { ...deadlines, firstByteMs: 100 } });
    rig.backend.script = (request) => (request.target === '/silent' ? undefined : answerWithTarget(request));
    const upload = await rig.proxy.connect();
    upload.write('POST /slow HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nab');
    // Asked later, and too late by now.
    expect(await rig.proxy.exchange(get('/silent', 'Connection: close\r\n'))).toMatch(/^HTTP\/1\.1 504 /);
    upload.write('cd');
    expect(await upload.waitFor(/POST \/slow$/)).toMatch(/^HTTP\/1\.1 200 /);
    await rig.close();
  });
});

describe.each(LANES)('a client that falls silent within its upload, lane %s', (lane) => {
  test('gets a 408, and nobody else is blamed for it', async () => {
    const { deadlines } = defaultProxyOptions;
    const rig = await ConformanceRig.start(lane, { deadlines: { ...deadlines, bodyIdleMs: 50 } });
    const client = await rig.proxy.connect();
    client.write('POST /stalled HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nab');
    expect(await client.waitForEnd()).toMatch(/^HTTP\/1\.1 408 [^]*"code":"client-body-timeout"/);
    expect(await rig.proxy.waitForRecords(1)).toMatchObject([{ status: 408, endedBy: 'client' }]);
    expect(rig.proxy.proxy.trafficOf(targetFor(0))).toMatchObject({ inflight: 0, failures: 0 });
    await rig.close();
  });
});
