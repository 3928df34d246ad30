// Connections that asked once and then stay: what a proxy pays for a browser that is only there.

import { connect, type Socket } from 'node:net';

const REQUEST = 'GET /small HTTP/1.1\r\nHost: bench\r\n\r\n';
/** Opened at once; more would only measure the accept queue. */
const BATCH = 100;

/** Opens them, each after its first answer. The function returned closes them all. */
export async function openIdleConnections(port: number, count: number): Promise<() => void> {
  const sockets: Socket[] = [];
  while (sockets.length < count) {
    const batch = Math.min(BATCH, count - sockets.length);
    sockets.push(...(await Promise.all(Array.from({ length: batch }, () => askOnce(port)))));
  }
  return () => {
    for (const socket of sockets) socket.destroy();
  };
}

function askOnce(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1' }, () => socket.write(REQUEST));
    socket.once('data', () => {
      socket.resume();
      resolve(socket);
    });
    socket.once('error', reject);
  });
}
