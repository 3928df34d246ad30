// Connections that asked once and then stay: what a proxy pays for a browser that is only there.

import { connect, type Socket } from 'node:net';

const REQUEST = 'GET /small HTTP/1.1\r\nHost: bench\r\n\r\n';
/** Opened at once; more would only measure the accept queue. */
const BATCH = 100;

export interface IdleConnections {
  /** How many were answered something else than a 200, or have been closed since. */
  lost(): number;
  close(): void;
}

/** Opens them, each after its first answer. */
export async function openIdleConnections(port: number, count: number): Promise<IdleConnections> {
  const sockets: (Socket | undefined)[] = [];
  while (sockets.length < count) {
    const batch = Math.min(BATCH, count - sockets.length);
    sockets.push(...(await Promise.all(Array.from({ length: batch }, () => askOnce(port)))));
  }
  return {
    lost: () => sockets.filter((socket) => socket?.readyState !== 'open').length,
    close: () => {
      for (const socket of sockets) socket?.destroy();
    },
  };
}

/** Undefined for one that was not served. */
function askOnce(port: number): Promise<Socket | undefined> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1' }, () => socket.write(REQUEST));
    socket.once('data', (answer: Buffer) => {
      socket.resume();
      resolve(answer.toString('latin1').startsWith('HTTP/1.1 200 ') ? socket : undefined);
    });
    socket.once('error', reject);
  });
}
