// A WebSocket as bytes, for process tests: opened through the front, speaking whole frames.

import { RawConnection } from './raw-connection.js';

/** The close frame that says that the service restarts (RFC 6455 section 7.4.1: 1012). */
export const CLOSE_SERVICE_RESTART = '\x88\x02\x03\xf4';

const HANDSHAKE =
  'GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n';

/** Resolves once the other side has agreed to it. */
export async function openWebSocket(port: number): Promise<RawConnection> {
  const connection = (await RawConnection.open(port)).write(HANDSHAKE);
  await connection.waitFor(/^HTTP\/1\.1 101 [^]*\r\n\r\n/);
  return connection;
}

/** A text of at most 125 octets as a client's frame: masked, with a mask that changes nothing. */
export function textFrame(text: string): string {
  return `\x81${String.fromCharCode(0x80 | text.length)}\0\0\0\0${text}`;
}
