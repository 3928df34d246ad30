// Whether the other side has reset a connection, asked of the kernel: Node does not tell of each reset. One that comes with
// octets is read as an end (libuv takes EPOLLHUP for one), and TLS that meets it in a write of its own, a session ticket say,
// takes every later write without ever ending it. Below Node's public face; where a Node has it otherwise, nothing is reset.

import type { Socket } from 'node:net';

interface PeerHandle {
  /** 0 or a negative errno: ENOTCONN when it is gone. */
  getpeername?: (place: object) => number;
}

export function resetError(): Error {
  return Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' });
}

/** Of a connection that was told to have ended. Where we have ended our side too there is no other side any more, reset or not. */
export function isEndOfReset(socket: Partial<Socket>): boolean {
  return socket.writableEnded !== true && isReset(socket);
}

export function isReset(socket: Partial<Socket>): boolean {
  const { _handle: handle } = socket as { readonly _handle?: PeerHandle | null };
  return (handle?.getpeername?.({}) ?? 0) < 0;
}
