// Writing out of a block that will be read into again: without a copy, as long as the socket tells when it has taken all.

import type { Writable } from 'node:stream';

/** `bytes` stay as they are until the socket has taken them: until `isFull` is false. */
export function writeLasting(socket: Writable, bytes: Buffer): void {
  // What is less than the mark may be left waiting without a word when it is gone.
  socket.write(bytes.length < socket.writableHighWaterMark ? Buffer.from(bytes) : bytes);
}

/** The socket does not take what is written: it emits 'drain' when it has. */
export function isFull(socket: Writable): boolean {
  return socket.writableNeedDrain && socket.writableLength > 0;
}
