// RFC 9112 section 9.5, RFC 9110 sections 15.5.9 and 15.6: what happens when nothing happens in time, or nobody is there.

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ConformanceRig, LANES } from '../../support/conformance-rig.js';
import { freePorts } from '../../support/free-port.js';
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

  test('an idle connection is closed without a word', async () => {
    const client = await rig.proxy.connect();
    client.write(get('/1'));
    await client.waitFor(/GET \/1$/);
    const { messages } = readResponses(await client.waitForEnd(), { methods: [], ended: true });
    expect(messages).toHaveLength(1);
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
