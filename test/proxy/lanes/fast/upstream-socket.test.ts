// An upstream that answers and closes while it is still being written to: what it said is read all the same.
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { UpstreamSocket } from '../../../../proxy/lanes/fast/upstream-socket.js';

const BIG = Buffer.alloc(1024 * 1024);

let server: Server;
let accepted: Socket;
let socket: UpstreamSocket;
let heard: string;

beforeEach(async () => {
  server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  heard = '';
  const buffer = Buffer.alloc(64);
  socket = new UpstreamSocket({
    buffer,
    callback: (length) => {
      heard += buffer.toString('latin1', 0, length);
      return true;
    },
  });
  const connection = once(server, 'connection');
  socket.connect((server.address() as AddressInfo).port, '127.0.0.1');
  [accepted] = (await connection) as [Socket];
  if (socket.connecting) await once(socket, 'connect');
});

afterEach(() => {
  socket.destroy();
  accepted.destroy();
  server.close();
});

/** All of it is in the kernel when this returns, and none of it was read. */
function answerAndReset(): void {
  accepted.write('no, thank you');
  accepted.resetAndDestroy();
}

test('a write that fails within a request leaves the answer to be read, and says why it failed', async () => {
  answerAndReset();
  socket.mayHaveAnswer = true;
  const ended = once(socket, 'end');
  socket.write(BIG);
  expect(socket.destroyed).toBe(false);
  await ended;
  expect(heard).toBe('no, thank you');
  expect(socket.writeError).toMatchObject({ syscall: 'write' });
});

test('so does one of several pieces at once', async () => {
  answerAndReset();
  socket.mayHaveAnswer = true;
  const ended = once(socket, 'end');
  socket.cork();
  for (let piece = 0; piece < 3; piece += 1) socket.write(BIG);
  socket.uncork();
  await ended;
  expect(heard).toBe('no, thank you');
});

test('a write that begins a request fails as ever: what has come is no answer to it', async () => {
  answerAndReset();
  const failed = once(socket, 'error');
  socket.write(BIG);
  const [error] = await failed;
  expect(error).toMatchObject({ syscall: 'write' });
  expect(heard).toBe('');
});
