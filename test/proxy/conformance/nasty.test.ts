// The cases that have broken other proxies, as they were published, byte for byte.

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ConformanceRig, LANES, type Expected, type Row } from '../../support/conformance-rig.js';
import { valuesOf } from '../../support/strict-http.js';

const G = 'GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n';
const P = 'POST / HTTP/1.1\r\nHost: a\r\n';
const refused = (what: string, send: string, status: Expected = 400): Row => ({ what, send, answers: [status] });
const one = (what: string, send: string, also?: Row['also']): Row => ({
  what,
  send,
  answers: [200],
  seen: [`${send.split(' ')[0]} ${send.split(' ')[1]}`],
  also,
});

const REQUESTS: Row[] = [
  refused('CL.TE', `${P}Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${G}`),
  refused('CVE-2026-1525: two lengths', `${P}Content-Length: 0\r\nContent-Length: 35\r\n\r\n${G}`),
  ...['+5', '0_5', '5 5', '-0', '0x5', '5,5', '5e0'].map((value) =>
    refused(`a length of ${value}`, `${P}Content-Length: ${value}\r\n\r\nhello`),
  ),
  refused('CVE-2023-40225: an empty length', `${P}Content-Length:\r\nContent-Length: 5\r\n\r\nhello`),
  {
    ...one(
      'CVE-2021-40346: a name that overflows',
      `${P}Content-Length0${'a'.repeat(255)}:\r\nContent-Length: 35\r\n\r\n${G}`,
      ({ requests }) => expect(requests[0]!.body).toBe(G),
    ),
    seen: ['POST /'],
  },
  refused('CVE-2023-25725: an empty name', `GET / HTTP/1.1\r\nHost: a\r\n: x\r\nContent-Length: 35\r\n\r\n${G}`),
  refused('CVE-2023-45539: a fragment', 'GET /admin#.png HTTP/1.1\r\nHost: a\r\n\r\n'),
  ...['\x0bchunked', '\xa0chunked', 'chunked\x00', 'xchunked', '"chunked"'].map((value) =>
    refused(
      `CVE-2019-18277: a coding of ${JSON.stringify(value)}`,
      `${P}Content-Length: 4\r\nTransfer-Encoding:${value}\r\n\r\n1\r\nZ\r\n0\r\n\r\n`,
      [400, 501],
    ),
  ),
  refused(
    'CVE-2020-8287: two codings',
    `${P}Transfer-Encoding: chunked\r\nTransfer-Encoding: eee\r\n\r\n0\r\n\r\n${G}`,
    [400, 501],
  ),
  refused(
    'CVE-2022-32215: a folded coding',
    `${P}Transfer-Encoding: chunked\r\n , identity\r\n\r\n1\r\na\r\n0\r\n\r\n`,
  ),
  refused(
    'CVE-2023-30589: a bare CR hides a coding',
    'POST / HTTP/1.1\r\nHost: a\r\nX-Abc:\rxTransfer-Encoding: chunked\r\n\r\n1\r\nA\r\n0\r\n\r\n',
  ),
  refused(
    'CVE-2025-23167: an end of the head that is none',
    'GET / HTTP/1.1\r\nHost: a\r\n\rXGET /evil HTTP/1.1\r\nHost: a\r\n\r\n',
  ),
  refused(
    'CVE-2024-27982: a folded length',
    `POST /hello HTTP/1.1\r\nHost: a\r\nFoo: bar\r\n Content-Length: 35\r\n\r\n${G}`,
  ),
  refused('CVE-2021-22959: space before the colon', `${P}Content-Length : 5\r\n\r\nhello`),
  refused(
    'CVE-2021-22960: an extension hides a line end',
    'GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2;\nxx\r\n4c\r\n0\r\n\r\nGET /admin HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  ),
  ...['5\r\nhelloXX0\r\n\r\n', '5\r\nhello\n0\r\n\r\n', '5\rXhello\r\n0\r\n\r\n'].map((rest) =>
    refused(`spilt chunk ${JSON.stringify(rest)}`, `${P}Transfer-Encoding: chunked\r\n\r\n${rest}`),
  ),
  refused(
    'a chunk size that wraps',
    `${P}Transfer-Encoding: chunked\r\n\r\n10000000000000005\r\nhello\r\n0\r\n\r\n${G}`,
    [400, 413],
  ),
  refused(
    'a chunk size beyond what is exact',
    `${P}Transfer-Encoding: chunked\r\n\r\n20000000000001\r\nhello`,
    [400, 413],
  ),
  ...['0x5', '+5', '-5', '0_5', ' 5', '', '5;', '5;\x00x'].map((size) =>
    refused(
      `a chunk size of ${JSON.stringify(size)}`,
      `${P}Transfer-Encoding: chunked\r\n\r\n${size}\r\nhello\r\n0\r\n\r\n`,
    ),
  ),
  ...[',chunked', 'chunked, identity', 'chunked;q=1', ''].map((value) =>
    refused(`a coding of ${JSON.stringify(value)}`, `${P}Transfer-Encoding: ${value}\r\n\r\n0\r\n\r\n`, [400, 501]),
  ),
  refused(
    'CVE-2026-2835: chunks in HTTP/1.0',
    `POST / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${G}`,
  ),
  ...['DELETE', 'OPTIONS'].map((method) =>
    one(
      `CVE-2026-29057, TE.0: ${method} with chunks`,
      `${method} /poc HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n23\r\n${G}\r\n0\r\n\r\n`,
      ({ requests }) => expect(requests[0]!.body).toBe(G),
    ),
  ),
  one('GET with a length', `GET /poc HTTP/1.1\r\nHost: a\r\nContent-Length: 35\r\n\r\n${G}`, ({ requests }) =>
    expect(requests[0]!.body).toBe(G),
  ),
  ...['Expect: x 100-continue', 'Expect:\r\n 100-continue', 'Expect: 100-continue\r\nExpect: 100-continue'].map(
    (line) => refused(`0.CL: ${JSON.stringify(line)}`, `${P}Content-Length: 35\r\n${line}\r\n\r\n${G}`, [400, 417]),
  ),
  {
    what: '0.CL: an expectation on GET',
    send: `GET /e HTTP/1.1\r\nHost: a\r\nContent-Length: 35\r\nExpect: 100-continue\r\n\r\n${G}`,
    answers: [200],
    seen: ['GET /e'],
    also: ({ requests }) => expect(requests[0]!.body).toBe(G),
  },
  {
    what: 'CVE-2026-2833: nothing is tunnelled before a 101',
    send: `GET /u HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: foo\r\n\r\n${G}`,
    answers: [200, 200],
    seen: ['GET /u', 'GET /smuggled'],
  },
  refused(
    'CVE-2026-58055: an upgrade with a body',
    `GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\nContent-Length: 35\r\n\r\n${G}`,
  ),
  {
    ...one(
      'CVE-2025-48865: Connection names what frames',
      `${P}Connection: keep-alive, Content-Length, Host, X-Forwarded-For\r\nContent-Length: 35\r\n\r\n${G}`,
      ({ requests }) => {
        expect(requests[0]!.body).toBe(G);
        expect(valuesOf(requests[0]!, 'x-forwarded-for')).toHaveLength(1);
      },
    ),
  },
  refused('two Hosts', 'GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n'),
  {
    what: 'an absolute target beats Host',
    send: 'GET http://b/x HTTP/1.1\r\nHost: a\r\n\r\n',
    answers: [200],
    seen: ['GET /x'],
    also: ({ requests }) => expect(valuesOf(requests[0]!, 'host')).toEqual(['b']),
  },
  refused('a Host with userinfo', 'GET / HTTP/1.1\r\nHost: good@evil\r\n\r\n'),
  refused('a Host that is a list', 'GET / HTTP/1.1\r\nHost: a, b\r\n\r\n'),
  {
    what: 'forbidden trailers',
    send: `${P}Transfer-Encoding: chunked\r\n\r\n0\r\nContent-Length: 99\r\nHost: evil\r\n\r\n`,
    answers: [[200, 400]],
    seen: (status) => (status === 200 ? ['POST /'] : []),
    also: ({ requests }) => requests.forEach(({ raw }) => expect(raw).not.toMatch(/evil|99\r/)),
  },
  refused(
    'CVE-2024-22019: an endless extension',
    `${P}Transfer-Encoding: chunked\r\n\r\n5;${'a'.repeat(65_536)}`,
    [400, 413],
  ),
];

const MORE: Row[] = [
  refused('bare LF', 'GET / HTTP/1.1\nHost: a\n\n'),
  refused('a tab in the request line', 'GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n'),
  refused('HTTP/1.10', 'GET / HTTP/1.10\r\nHost: a\r\n\r\n'),
  refused('NUL in a value', 'GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n'),
  refused('CVE-2013-4547: a space and NUL in the target', 'GET /a \0.php HTTP/1.1\r\nHost: a\r\n\r\n'),
  one('data behind close', `GET /c HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n${G}`),
  one(
    'CVE-2023-25690: an encoded line end stays encoded',
    'GET /a%20HTTP/1.1%0d%0aHost:%20b%0d%0a%0d%0a HTTP/1.1\r\nHost: a\r\n\r\n',
  ),
  one(
    'an underscored coding beside a length',
    `${P}Transfer_Encoding: chunked\r\nContent-Length: 35\r\n\r\n${G}`,
    ({ requests }) => {
      expect(requests[0]!.body).toBe(G);
      expect(valuesOf(requests[0]!, 'transfer_encoding')).toEqual([]);
    },
  ),
  refused('HTTP/0.9', 'GET /\r\n\r\n'),
  one('a dot segment stays one', 'GET /ho/%2E%2E/hi HTTP/1.1\r\nHost: a\r\n\r\n'),
];

describe.each(LANES)('nasty cases, lane %s', (lane) => {
  let rig: ConformanceRig;
  beforeAll(async () => (rig = await ConformanceRig.start(lane)));
  afterAll(() => rig.close());

  test.each(REQUESTS)('$what', (row) => rig.run(row));
  describe('more', () => test.each(MORE)('$what', (row) => rig.run(row)));

  test('thousands of pipelined requests are answered in order', async () => {
    rig.backend.forget();
    const count = lane === 'auto' ? 2_000 : 200;
    const client = await rig.proxy.connect();
    for (let from = 0; from < count; from += 500)
      client.write(
        Array.from(
          { length: Math.min(500, count - from) },
          (_, index) => `GET /${from + index} HTTP/1.1\r\nHost: a\r\n\r\n`,
        ).join(''),
      );
    client.write('GET /last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    const received = await client.waitForEnd();
    const bodies = received.match(/GET \/(?:\d+|last)/g)!;
    expect(bodies).toHaveLength(count + 1);
    expect(bodies.every((body, index) => body === (index === count ? 'GET /last' : `GET /${index}`))).toBe(true);
    expect(rig.backend.faults).toEqual([]);
  });

  test('CL.0: a backend that answers without reading the body poisons nobody', async () => {
    rig.backend.forget();
    const port = await rig.proxy.rawBackend((socket) => {
      let requests = 0;
      socket.setEncoding('latin1');
      // Takes every line that looks like a request line for a request, bodies included.
      socket.on('data', (text: string) => {
        for (const match of text.matchAll(/^(?:GET|POST) (\S+) HTTP/gm)) {
          requests += 1;
          const body = `${requests} ${match[1]}`;
          socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
        }
      });
    });
    rig.proxy.route(port);
    const attacker = (await rig.proxy.connect()).write(
      `POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 35\r\n\r\n${G.slice(0, 5)}`,
    );
    await attacker.waitFor(/1 \/x$/);
    attacker.write(G.slice(5));
    await attacker.waitForEnd();
    const victim = await rig.proxy.exchange('GET /mine HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    expect(victim).toMatch(/\r\n\r\n\d \/mine$/);
    rig.proxy.route(rig.backend.port);
  });
});
