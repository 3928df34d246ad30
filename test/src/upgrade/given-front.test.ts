// The front that an old process hands over, held to the config of the new one.
import { expect, test } from '@jest/globals';
import { requireSameFront } from '../../../src/upgrade/given-front.js';

const HOST = '127.0.0.1';
const SOCKET = { fd: 4, path: '/run/front.sock' };

test.each([
  ['the same port', { port: 9000 }, { frontPort: 9000, frontSocket: undefined }],
  ['any port', { port: 0 }, { frontPort: 9000, frontSocket: undefined }],
  ['the same socket', { port: 9000, socket: SOCKET.path }, { frontPort: 9000, frontSocket: SOCKET }],
])('a front is taken when the config asks for %s', (_what, wanted, given) => {
  expect(() => requireSameFront({ host: HOST, ...wanted }, given)).not.toThrow();
});

test.each([
  [
    'another port',
    { port: 9100 },
    { frontPort: 9000, frontSocket: undefined },
    'the config says front 127.0.0.1:9100, but port 9000 is handed over',
  ],
  [
    'a socket that is not given',
    { port: 0, socket: '/run/other.sock' },
    { frontPort: 9000, frontSocket: undefined },
    'the config says /run/other.sock for front.socket, but none is handed over',
  ],
  [
    'no socket',
    { port: 0 },
    { frontPort: 9000, frontSocket: SOCKET },
    'the config says nothing for front.socket, but /run/front.sock is handed over',
  ],
])('a front is refused when the config asks for %s', (_what, wanted, given, message) => {
  expect(() => requireSameFront({ host: HOST, ...wanted }, given)).toThrow(
    expect.objectContaining({ code: 'front-changed', message }),
  );
});
