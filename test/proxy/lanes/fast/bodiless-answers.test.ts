// RFC 9112 sections 6.3 and 9.2: answers that have no body whatever they say. Some upstreams send one all the same, at any
// later time; what comes then must never be read as the next answer.

import type { Socket } from 'node:net';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { ProxyRig } from '../../../support/proxy-rig.js';

const NEXT = 'GET /next HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';

let rig: ProxyRig;

beforeEach(async () => {
  rig = await ProxyRig.start();
});

afterEach(() => rig.close());

/** How many connections a request and, right behind it, the next one take. */
async function connectionsFor(method: string, answer: string): Promise<number> {
  const sockets: Socket[] = [];
  rig.route(
    await rig.rawBackend((socket) => {
      sockets.push(socket);
      socket.on('data', (request: Buffer) => {
        const isNext = request.includes(' /next ');
        socket.write(isNext ? 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnext' : `HTTP/1.1 ${answer}\r\n\r\n`);
      });
    }),
  );
  expect(await rig.exchange(`${method} / HTTP/1.1\r\nHost: a\r\n\r\n${NEXT}`)).toMatch(/\r\n\r\nnext$/);
  return sockets.length;
}

test.each([
  ['a 204 with a length', 'GET', '204 No Content\r\nContent-Length: 6'],
  ['a 204 with a coding', 'GET', '204 No Content\r\nTransfer-Encoding: chunked'],
  ['a 304 with a length', 'GET', '304 Not Modified\r\nContent-Length: 6'],
  ['a 304 with a coding', 'GET', '304 Not Modified\r\nTransfer-Encoding: chunked'],
  ['an answer to HEAD with a length', 'HEAD', '200 OK\r\nContent-Length: 6'],
  ['an answer to HEAD with a coding', 'HEAD', '200 OK\r\nTransfer-Encoding: chunked'],
])('the connection of %s is not used again', async (_what, method, answer) => {
  expect(await connectionsFor(method, answer)).toBe(2);
});

test.each([
  ['a 204', 'GET', '204 No Content'],
  ['a 304', 'GET', '304 Not Modified\r\nETag: "x"'],
  ['an answer to HEAD whose body would be empty', 'HEAD', '200 OK\r\nContent-Length: 0'],
])('the connection of %s is used again', async (_what, method, answer) => {
  expect(await connectionsFor(method, answer)).toBe(1);
});
