// Request bodies whose upstream dies, or is not there yet: whoever gets the request in the end gets all of it.
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { afterEach, describe, expect, test } from '@jest/globals';
import { defaultProxyOptions } from '../../../proxy/index.js';
import { ProxyRig, statusOf } from '../../support/proxy-rig.js';

const KIB = 1024;
const BODY = Buffer.from(Array.from({ length: 1024 * KIB }, (_, index) => index % 251));

let rig: ProxyRig;

afterEach(() => rig.close());

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** Takes so much of a request, and then is gone with its whole process. */
const dyingAfter = (bytes: number) => (socket: Socket) => {
  let taken = 0;
  socket.on('data', (chunk) => {
    taken += chunk.length;
    if (taken < bytes) return;
    rig.route();
    socket.resetAndDestroy();
  });
};

async function keepingBackend(bodies: Buffer[]): Promise<number> {
  return rig.httpBackend((request, response) => {
    void bodyOf(request).then((body) => {
      bodies.push(body);
      response.end('kept');
    });
  });
}

describe.each(['fast', 'full'] as const)('with lane %s:', (lane) => {
  const start = async (replayBufferBytes: number) => {
    rig = await ProxyRig.start({ lane, retry: { ...defaultProxyOptions.retry, replayBufferBytes } });
  };

  test.each([
    ['a length', BODY, `Content-Length: ${BODY.length}\r\n\r\n`],
    [
      'chunks',
      Buffer.concat([Buffer.from(`${BODY.length.toString(16)}\r\n`), BODY, Buffer.from('\r\n0\r\n\r\n')]),
      'Transfer-Encoding: chunked\r\n\r\n',
    ],
  ])(
    'a body with %s that its upstream has not taken whole waits for another one, whole',
    async (_what, body, framing) => {
      await start(256 * KIB);
      const bodies: Buffer[] = [];
      const next = await keepingBackend(bodies);
      rig.route(await rig.rawBackend(dyingAfter(150 * KIB)));
      const client = await rig.connect();
      client.write(`PUT / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${framing}`);
      client.socket.write(body.subarray(0, 200 * KIB));
      while (rig.repeats.length === 0) await setImmediate();
      client.socket.write(body.subarray(200 * KIB));
      for (let turn = 0; turn < 100; turn++) await setImmediate();
      rig.route(next);
      expect(await client.waitForEnd()).toMatch(/kept/);
      expect(bodies.map((received) => received.equals(BODY))).toEqual([true]);
    },
  );

  test.each([
    ['comes with its head', async () => rig.route(await keepingBackend(received))],
    [
      'comes before there is an upstream',
      async () => {
        const port = await keepingBackend(received);
        void setImmediate().then(() => rig.route(port));
      },
    ],
  ])('where nothing is kept for another try a body that %s arrives all the same', async (_what, route) => {
    await start(0);
    received.length = 0;
    await route();
    const answer = await rig.exchange(
      'POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello',
    );
    expect(statusOf(answer)).toBe(200);
    expect(received.map(String)).toEqual(['hello']);
  });
});

const received: Buffer[] = [];
