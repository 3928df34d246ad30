// How a client connection is served. The front accepts, a lane takes the socket over with the bytes read so far.

import type { Socket } from 'node:net';

export interface Lane {
  /** Serves the connection from here on. `bytesRead` come before what the socket still holds. */
  accept(socket: Socket, bytesRead?: Buffer): void;
  /** Requests that are not over. */
  readonly inflight: number;
  /** No further request on any connection: idle ones are closed now, the others after their answer. */
  drain(): void;
  /** Ends every connection now. */
  destroy(): void;
}
