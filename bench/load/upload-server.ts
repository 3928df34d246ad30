// A program: takes request bodies of a known length as fast as the kernel gives them, and answers each once it is whole.
// Speaks just the HTTP of the benches: one request at a time on a connection, heads in one piece. Argument: port.

import { createServer, Socket } from 'node:net';

const ANSWER = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const block = Buffer.allocUnsafeSlow(256 * 1024);

createServer({ pauseOnConnect: true }, (accepted) => {
  let bodyBytesLeft = 0;
  const onread = {
    buffer: block,
    callback: (length: number) => {
      let bodyBytes = length;
      if (bodyBytesLeft === 0) {
        const head = block.toString('latin1', 0, Math.min(length, 4096));
        const headBytes = head.indexOf('\r\n\r\n') + 4;
        bodyBytesLeft = Number(/^content-length: *(\d+)/im.exec(head.slice(0, headBytes))?.[1] ?? 0);
        bodyBytes = length - headBytes;
      }
      bodyBytesLeft -= bodyBytes;
      if (bodyBytesLeft === 0) socket.write(ANSWER);
      return true;
    },
  };
  // The same way as the proxy's own accepted sockets: no buffer for each read.
  const outer = accepted as Socket & { _handle?: unknown };
  const socket = new Socket({ handle: outer._handle, onread } as object);
  outer._handle = null;
  socket.on('error', () => socket.destroy());
}).listen(Number(process.argv[2]), '127.0.0.1');
