// The socket to an upstream. An upstream that refuses a large request answers and closes while the request is still being
// sent (RFC 9112 section 9.6, "lingering"): the next write fails, and Node then throws away what has come but was not read,
// the answer among it. Here the stream is not told that such a write has failed, so that what has come is read first. The end of
// the connection is right behind it, and ends the write too. The full lane's sockets are undici's: an UpstreamLine sees to them.

import { Socket, type OnReadOpts, type SocketConstructorOpts } from 'node:net';
import type { WriteCallback } from '../direct-write.js';
import { mayBeHeard } from '../stopped-reading.js';

export class UpstreamSocket extends Socket {
  /** What is sent now belongs to a request of which some was sent before: what has come may be its answer. */
  mayHaveAnswer = false;
  /** Why it can't be written to any more. */
  writeError: Error | undefined;

  constructor(onread: OnReadOpts) {
    // As `connect` gives them to a socket that it makes; the types know them only there.
    const options: SocketConstructorOpts & { noDelay: boolean; onread: OnReadOpts } = { noDelay: true, onread };
    super(options);
  }

  override _write(chunk: unknown, encoding: BufferEncoding, callback: WriteCallback): void {
    super._write(chunk, encoding, this.#judging(callback));
  }

  override _writev(chunks: { chunk: unknown; encoding: BufferEncoding }[], callback: WriteCallback): void {
    super._writev!(chunks, this.#judging(callback));
  }

  #judging(callback: WriteCallback): WriteCallback {
    return (error) => {
      if (error && this.mayHaveAnswer && mayBeHeard(this, error)) this.writeError = error;
      else callback(error);
    };
  }
}
