// Free TCP ports on loopback: asked from the kernel all at once, so that none comes twice.

import { createServer, type AddressInfo, type Server } from 'node:net';
import { once } from 'node:events';

export async function freePorts(count: number): Promise<readonly number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map((server) => once(server, 'listening')));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map(closed));
  return ports;
}

function closed(server: Server): Promise<unknown> {
  const done = once(server, 'close');
  server.close();
  return done;
}
