// A program: takes request bodies of a known length as fast as the kernel gives them, and answers each once it is whole.
// Speaks just the HTTP of the benches: one request at a time on a connection, heads in one piece. Argument: port.

import { createServer } from 'node:net';
import { shareBlock } from '../../proxy/lanes/shared-block-socket.js';

const ANSWER = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

createServer({ pauseOnConnect: true }, (accepted) => {
  const { socket, source } = shareBlock(accepted);
  let bodyBytesLeft = 0;
  const onBlock = (bytes: Buffer) => {
    let bodyBytes = bytes.length;
    if (bodyBytesLeft === 0) {
      const head = bytes.toString('latin1', 0, Math.min(bytes.length, 4096));
      const headBytes = head.indexOf('\r\n\r\n') + 4;
      bodyBytesLeft = Number(/^content-length: *(\d+)/im.exec(head.slice(0, headBytes))?.[1] ?? 0);
      bodyBytes -= headBytes;
    }
    bodyBytesLeft -= bodyBytes;
    if (bodyBytesLeft === 0) socket.write(ANSWER);
  };
  if (source === undefined) socket.on('data', onBlock);
  else source.reader = { onBlock };
  socket.on('end', () => socket.end());
  socket.on('error', () => socket.destroy());
}).listen(Number(process.argv[2]), '127.0.0.1');
