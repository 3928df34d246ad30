import { afterEach, describe, expect, test } from '@jest/globals';
import { defaultProxyOptions } from '../../../proxy/options.js';
import { LANES } from '../../support/conformance-rig.js';
import { ProxyRig } from '../../support/proxy-rig.js';

describe.each(LANES)('policies that lane %s must apply', (lane) => {
  let rig: ProxyRig;
  afterEach(() => rig.close());

  test('a request that waits goes before less urgent ones: by route, and by the header of a trusted proxy', async () => {
    rig = await ProxyRig.start({
      lane,
      maxInflightPerWorker: 1,
      trustedProxies: ['127.0.0.1'],
      priorities: {
        header: 'x-understudy-priority',
        trustClients: false,
        routes: [{ path: '/batch', class: 'batch' }],
      },
    });
    const seen: string[] = [];
    const send = async (target: string, fields = '') => {
      const client = await rig.connect();
      client.write(`GET ${target} HTTP/1.1\r\nHost: a\r\n${fields}Connection: close\r\n\r\n`);
      return client.waitForEnd();
    };
    const waiting = async (count: number) => {
      while (rig.proxy.stats().waiting < count) await new Promise((resolve) => setImmediate(resolve));
    };
    const port = await rig.httpBackend((request, response) => {
      seen.push(request.url ?? '');
      response.end();
    });
    const answers = [send('/batch')];
    await waiting(1);
    answers.push(send('/later', 'X-Understudy-Priority: validation\r\n'));
    await waiting(2);
    answers.push(send('/now'));
    await waiting(3);
    rig.route(port);
    await Promise.all(answers);
    expect(seen).toEqual(['/now', '/later', '/batch']);
  });

  test.each([
    ['header:X-User', (value: string) => `x-user: ${value}\r\n`],
    ['cookie:sid', (value: string) => `Cookie: a=1; sid=${value}\r\n`],
  ])('sticky balancing on %s goes by the first of several', async (hashOn, field) => {
    rig = await ProxyRig.start({ lane, balance: { ...defaultProxyOptions.balance, policy: 'hash', hashOn } });
    const [a, b] = await Promise.all(['a', 'b'].map((name) => rig.httpBackend((_, response) => response.end(name))));
    rig.route(a!, b!);
    const placeOf = async (...values: string[]) =>
      (await rig.exchange(`GET / HTTP/1.1\r\nHost: a\r\n${values.map(field).join('')}Connection: close\r\n\r\n`)).at(
        -1,
      );
    const places = new Set<string | undefined>();
    for (const value of Array.from({ length: 12 }, (_, index) => `${index}`)) {
      const place = await placeOf(value);
      expect(await placeOf(value, 'another')).toBe(place);
      places.add(place);
    }
    expect(places.size).toBe(2);
  });

  test('an app that announces a drain in its answer is told to the pool once', async () => {
    rig = await ProxyRig.start({ lane });
    rig.route(
      await rig.httpBackend((_request, response) => {
        response.setHeader('x-understudy-drain', '1');
        response.end('last words');
      }),
    );
    for (let index = 0; index < 2; index += 1)
      expect(await rig.exchange('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')).toMatch(/last words/);
    expect(rig.incidents.map(({ kind }) => kind)).toEqual(['announced-drain']);
  });
});
