// A program: a proxy that was busy until all it did was compiled, and then has no client, no upstream connection and four full
// collections. With --trace-deopt V8 prints what compiled code it throws away; what stands behind `QUIET` was lost to the rest.

import { once } from 'node:events';
import type { Socket } from 'node:net';
import { defaultProxyOptions } from '../../proxy/index.js';
import { ProxyRig } from './proxy-rig.js';

const CLIENTS = 8;
const REQUESTS = 500;
const COLLECTIONS = 4;
const IDLE_MS = 100;
const GET = 'GET /small HTTP/1.1\r\nHost: a\r\n\r\n';
const ANSWER = 'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nhi';

const rig = await ProxyRig.start({ deadlines: { ...defaultProxyOptions.deadlines, upstreamIdleMs: IDLE_MS } });
const sockets = new Set<Socket>();
const port = await rig.rawBackend((socket) => {
  sockets.add(socket);
  socket.once('close', () => sockets.delete(socket));
  socket.on('data', () => socket.write(ANSWER));
});
rig.route(port);
await Promise.all(
  Array.from({ length: CLIENTS }, async () => {
    const client = await rig.connect();
    for (let count = 0; count < REQUESTS; count += 1) {
      client.write(GET);
      await once(client.socket, 'data');
    }
    client.close();
  }),
);
await Promise.all([...sockets].map((socket) => once(socket, 'close')));
process.stdout.write('QUIET\n');
for (let count = 0; count < COLLECTIONS; count += 1) {
  globalThis.gc!();
  await new Promise((resolve) => setImmediate(resolve));
}
process.stdout.write('OVER\n');
await rig.close();
