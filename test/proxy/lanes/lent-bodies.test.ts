// What of a body comes along with its head lies in the block that all clients' octets are read into. Whoever gets it later
// must still get what was sent, whatever others have sent meanwhile.
import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { RequestListener } from 'node:http';
import { ProxyRig } from '../../support/proxy-rig.js';
import type { RawConnection } from '../../support/raw-connection.js';

const NAMES = Array.from({ length: 12 }, (_, index) => `client-${index}`);

function bodyOf(name: string, bytes: number): string {
  return `${name}.`.repeat(Math.ceil(bytes / name.length)).slice(0, bytes);
}

function requestOf(name: string, method: string, bytes: number): string {
  return `${method} /${name} HTTP/1.1\r\nHost: a\r\nContent-Length: ${bytes}\r\n\r\n${bodyOf(name, bytes)}`;
}

describe.each(['auto', 'full'] as const)('with lane %s', (lane) => {
  let rig: ProxyRig;
  /** What came with each path, once for each time it came. */
  let bodies: Map<string, string[]>;

  beforeEach(async () => {
    rig = await ProxyRig.start({ lane });
    bodies = new Map();
  });

  afterEach(() => rig.close());

  const keep =
    (answer: RequestListener): RequestListener =>
    (request, response) => {
      let body = '';
      request.setEncoding('latin1').on('data', (piece: string) => (body += piece));
      request.on('end', () => {
        const { url } = request;
        bodies.set(url!, [...(bodies.get(url!) ?? []), body]);
        answer(request, response);
      });
    };

  const taken = keep((_request, response) => void response.end('taken'));

  async function sendAll(method: string, bytes: number): Promise<readonly RawConnection[]> {
    const clients = await Promise.all(NAMES.map(() => rig.connect()));
    for (const [index, name] of NAMES.entries()) clients[index]!.write(requestOf(name, method, bytes));
    return clients;
  }

  const sent = (bytes: number, times: number) =>
    new Map(NAMES.map((name) => [`/${name}`, Array.from({ length: times }, () => bodyOf(name, bytes))]));

  test.each([1, 1_000, 40_000])('bodies of %i octets wait for an upstream', async (bytes) => {
    const backend = await rig.httpBackend(taken);
    const clients = await sendAll('POST', bytes);
    while (rig.proxy.stats().waiting < NAMES.length) await setImmediate();
    rig.route(backend);
    await Promise.all(clients.map((client) => client.waitFor(/taken/)));
    expect(bodies).toEqual(sent(bytes, 1));
  });

  test.each([1, 1_000, 40_000])('bodies of %i octets wait for a connection, and go out again on it', async (bytes) => {
    rig.route(await rig.httpBackend(taken));
    for (let times = 1; times <= 2; times += 1) {
      const clients = await sendAll('POST', bytes);
      await Promise.all(clients.map((client) => client.waitFor(/taken/)));
      expect(bodies).toEqual(sent(bytes, times));
    }
  });

  test.each([1, 1_000, 40_000])('a body of %i octets is sent again', async (bytes) => {
    let failed: string | undefined;
    const failing = keep((request, response) => {
      if (failed !== undefined) return void response.end('taken');
      failed = request.url!;
      request.socket.destroy();
    });
    rig.route(await rig.httpBackend(failing), await rig.httpBackend(taken));
    const clients = await sendAll('PUT', bytes);
    await Promise.all(clients.map((client) => client.waitFor(/taken/)));
    expect(rig.repeats).toHaveLength(1);
    const once = sent(bytes, 1);
    expect(bodies).toEqual(once.set(failed!, [...once.get(failed!)!, ...once.get(failed!)!]));
  });
});
