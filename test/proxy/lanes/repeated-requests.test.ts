// Requests whose heads are, octet by octet, the one before on their connection: nothing of an earlier request may be
// seen in a later one.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { defaultProxyOptions } from '../../../proxy/index.js';
import { ProxyRig } from '../../support/proxy-rig.js';
import type { RawConnection } from '../../support/raw-connection.js';
import { RecordingBackend } from '../../support/recording-backend.js';
import { valuesOf } from '../../support/strict-http.js';

const post = (body: string) =>
  `POST /same HTTP/1.1\r\nHost: a\r\nUser-Agent: twice\r\nContent-Length: 3\r\n\r\n${body}`;

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';

describe.each(['auto', 'full'] as const)('with lane %s, a connection that repeats a head', (lane) => {
  let rig: ProxyRig;
  let backend: RecordingBackend;
  let client: RawConnection;

  beforeEach(async () => {
    backend = await RecordingBackend.start();
    rig = await ProxyRig.start({ lane });
    rig.route(backend.port);
    client = await rig.connect();
  });
  afterEach(async () => {
    await rig.close();
    await backend.close();
  });

  /** Sends one after the other, each once the one before was recorded. */
  async function send(...requests: readonly string[]): Promise<void> {
    for (const request of requests) {
      const before = rig.records.length;
      client.write(request);
      await rig.waitForRecords(before + 1);
    }
  }

  const seen = (field: string) => backend.requests.map((request) => valuesOf(request, field).join());

  /** The same head thrice, another one before the last, each with what is its own. */
  function expectFourApart(): void {
    expect(backend.requests.map(({ target, body }) => target + body)).toEqual([
      '/sameone',
      '/sametwo',
      '/other',
      '/samesix',
    ]);
    expect(new Set(seen('x-request-id')).size).toBe(4);
    expect(rig.records.map(({ client: facts }) => facts?.userAgent)).toEqual(['twice', 'twice', undefined, 'twice']);
  }

  test('has each body sent with an id of its own', async () => {
    await send(post('one'), post('two'), 'GET /other HTTP/1.1\r\nHost: a\r\n\r\n', post('six'));
    expectFourApart();
    expect(rig.records.map(({ id }) => id)).toEqual(seen('x-request-id'));
  });

  test('has them told apart when they come in one piece, and when one comes in two', async () => {
    client.write(post('one') + post('two') + post('six').slice(0, 40));
    await rig.waitForRecords(2);
    client.write(post('six').slice(40));
    await rig.waitForRecords(3);
    expect(backend.requests.map(({ body }) => body)).toEqual(['one', 'two', 'six']);
  });

  test('keeps the id that the client gave', async () => {
    const given = 'GET / HTTP/1.1\r\nHost: a\r\nX-Request-Id: mine\r\n\r\n';
    await send(given, given);
    expect(seen('x-request-id')).toEqual(['mine', 'mine']);
    expect(rig.records.map(({ id }) => id)).toEqual(['mine', 'mine']);
  });

  test('has nothing of a request that failed in the record of the next one', async () => {
    await send(post('one'));
    const failing = await rig.rawBackend((socket) => socket.once('data', () => socket.destroy()));
    rig.route(failing);
    await send(GET);
    rig.route(backend.port);
    await send(GET);
    expect(rig.records.map(({ status, code, bytesIn, endedBy }) => [status, code, bytesIn, endedBy])).toEqual([
      [200, undefined, 3, 'served'],
      [502, 'upstream-reset', 0, 'upstream'],
      [200, undefined, 0, 'served'],
    ]);
    expect(rig.records.map(({ attempts, firstByteMs }) => [attempts > 1, firstByteMs === undefined])).toEqual([
      [false, false],
      [true, true],
      [false, false],
    ]);
  });

  test('is judged by the policies of now', async () => {
    const claiming = 'GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 192.0.2.1\r\n\r\n';
    await send(claiming, claiming);
    const front = { host: '127.0.0.1', port: 0 };
    rig.proxy.applyOptions({ ...defaultProxyOptions, front, lane, trustedProxies: ['127.0.0.1/32'] });
    await send(claiming);
    expect(seen('x-forwarded-for')).toEqual(['127.0.0.1', '127.0.0.1', '192.0.2.1, 127.0.0.1']);
  });

  test("shares what is known with the client's next connection, and nothing else", async () => {
    await send(post('one'));
    const next = await rig.connect();
    next.write(post('two'));
    await rig.waitForRecords(2);
    next.write('GET /other HTTP/1.1\r\nHost: b\r\n\r\n');
    await rig.waitForRecords(3);
    await send(post('six'));
    expectFourApart();
  });

  test("has another client's next connection told apart", async () => {
    await send(post('one'));
    const other = await rig.connect({ localAddress: '127.0.0.2' });
    other.write(post('two'));
    await rig.waitForRecords(2);
    expect(seen('x-forwarded-for')).toEqual(['127.0.0.1', '127.0.0.2']);
    expect(rig.records.map(({ client: facts }) => facts?.address)).toEqual(['127.0.0.1', '127.0.0.2']);
  });

  test('has its next connection judged by the policies of then', async () => {
    const claiming = 'GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 192.0.2.1\r\n\r\n';
    await send(claiming);
    client.close();
    const front = { host: '127.0.0.1', port: 0 };
    rig.proxy.applyOptions({ ...defaultProxyOptions, front, lane, trustedProxies: ['127.0.0.1/32'] });
    const next = await rig.connect();
    next.write(claiming);
    await rig.waitForRecords(2);
    expect(seen('x-forwarded-for')).toEqual(['127.0.0.1', '192.0.2.1, 127.0.0.1']);
  });

  test('is refused as before when it repeats what is wrong', async () => {
    const wrong = 'GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n';
    client.write(wrong + wrong);
    expect((await client.waitForEnd()).match(/HTTP\/1\.1 400/g)).toHaveLength(1);
    expect(backend.requests).toEqual([]);
  });
});
