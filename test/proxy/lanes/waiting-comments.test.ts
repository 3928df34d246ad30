// What a client of an event stream sees while its request waits, and what becomes of it then.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { RequestListener } from 'node:http';
import { ProxyRig, targetFor } from '../../support/proxy-rig.js';
import type { RawConnection } from '../../support/raw-connection.js';

const REQUEST = 'GET / HTTP/1.1\r\nHost: a\r\nAccept: text/event-stream\r\nConnection: close\r\n\r\n';
const HEAD = /^HTTP\/1\.1 200 OK\r\nContent-Type: text\/event-stream\r\n/;
const COMMENT = /: waiting for an upstream\n\n/;

const streaming: RequestListener = (_request, response) => {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.end('data: 1\n\n');
};

let rig: ProxyRig;

async function startRig(deadlineMs: number, keepAliveCommentsMs?: number): Promise<void> {
  rig = await ProxyRig.start({ waitingRoom: { capacity: 4, deadlineMs, keepAliveCommentsMs } });
}

afterEach(() => rig.close());

describe('an event stream that waits', () => {
  beforeEach(() => startRig(60_000, 20));

  async function waitForComments(): Promise<RawConnection> {
    const client = (await rig.connect()).write(REQUEST);
    expect(await client.waitFor(/(waiting[^]*){2}\n\n/)).toMatch(HEAD);
    return client;
  }

  test('gets comments, and then the stream behind them with one head', async () => {
    const client = await waitForComments();
    rig.route(await rig.httpBackend(streaming));
    const received = await client.waitForEnd();
    expect(received).toMatch(/data: 1\n\n\r\n0\r\n\r\n$/);
    expect(received.match(/HTTP\/1\.1/g)).toHaveLength(1);
  });

  test('ends with an error event when the answer is no stream', async () => {
    const client = await waitForComments();
    rig.route(await rig.httpBackend((_request, response) => response.writeHead(404).end('none')));
    const received = await client.waitForEnd();
    expect(received).toMatch(/event: error\ndata: \{"code":"not-a-stream"\}\n\n\r\n$/);
    expect(rig.records[0]).toMatchObject({ code: 'not-a-stream' });
  });

  test('ends with one too when the stream is compressed, which the comments were not', async () => {
    const client = await waitForComments();
    rig.route(
      await rig.httpBackend((_request, response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream', 'content-encoding': 'gzip' }).end('packed');
      }),
    );
    const received = await client.waitForEnd();
    expect(received).toMatch(/"code":"not-a-stream"/);
    expect(received).not.toMatch(/packed/);
  });

  test('ends with one too when the answer is a failure, which counts as one', async () => {
    const client = await waitForComments();
    const port = await rig.httpBackend((_request, response) => response.writeHead(503).end('no'));
    rig.route(port);
    expect(await client.waitForEnd()).toMatch(/"code":"not-a-stream"/);
    expect(rig.proxy.trafficOf(targetFor(port))?.failures).toBe(1);
  });

  test('is still repeated when an upstream fails before it has answered', async () => {
    const client = await waitForComments();
    rig.route(
      await rig.rawBackend((socket) => socket.once('data', () => socket.resetAndDestroy())),
      await rig.httpBackend(streaming),
    );
    expect(await client.waitForEnd()).toMatch(/data: 1\n\n/);
  });

  test('gets none when it is served at once', async () => {
    rig.route(await rig.httpBackend(streaming));
    expect(await rig.exchange(REQUEST)).not.toMatch(COMMENT);
  });
});

test('an event stream that has waited too long ends with an error event', async () => {
  await startRig(100, 20);
  const received = await rig.exchange(REQUEST);
  expect(received).toMatch(HEAD);
  expect(received).toMatch(/event: error\ndata: \{"code":"queue-timeout"\}/);
});

test.each([
  ['any other request', 20, REQUEST.replace('text/event-stream', '*/*')],
  ['an event stream where comments are off', undefined, REQUEST],
  [
    'one that waits for a 100',
    20,
    REQUEST.replace('\r\n\r\n', '\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n'),
  ],
])('%s gets no comments while it waits', async (_what, everyMs, request) => {
  await startRig(100, everyMs);
  expect(await rig.exchange(request)).toMatch(/^HTTP\/1\.1 503 /);
});
