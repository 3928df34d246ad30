// Resets of connections: ours, and whether the other side has sent one. That is asked of the kernel, since Node does not tell of
// each reset. One that comes with octets is read as an end (libuv takes EPOLLHUP for one), and TLS that meets it in a write of
// its own, a session ticket say, takes every later write without ever ending it. Asking goes below Node's public face; where a
// Node has it otherwise, no connection counts as reset.

import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

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

/** Ends a connection by a reset, where it knows one, and never in order. */
export function resetSocket(stream: Duplex): void {
  const socket = stream as Duplex & Partial<Pick<Socket, 'resetAndDestroy' | 'destroySoon'>>;
  if (socket.resetAndDestroy === undefined) return void socket.destroy();
  // By itself it would end the socket in order first: the client would get a FIN, and with it a clean end.
  socket.destroySoon = () => void socket.destroy();
  try {
    socket.resetAndDestroy();
  } catch {
    // Only TCP knows a reset.
    socket.destroy();
  }
}
