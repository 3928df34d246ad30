// The writing side of a connection: text, octets that stay as they are, and octets out of a block that will be read into
// again. Everything leaves at once, in the order in which it was written.
//
// Small writes go past the stream's queue for as long as nothing is in it, straight to the handle: keeping that queue takes
// an object, a bound call and a tick for each write, 3 to 4 % of a small request's CPU. What the kernel does not take at
// once stays with the handle, in order; whatever is written before that is gone goes by the queue, which counts it and
// tells of 'drain'. Under TLS everything goes by the queue.

import { Socket } from 'node:net';
import type { Writable } from 'node:stream';
import { TLSSocket } from 'node:tls';
import { textOf } from '../http1/octets.js';
import type { ChangingPart, ChangingText } from './changing-text.js';
import { tryDirectWrite } from './direct-write.js';
import { leaveWriteBlock, putTogether } from './write-block.js';

const NOTHING: Buffer = Buffer.alloc(0);

export class SocketWriter {
  readonly #socket: Writable;
  /**
   * The same socket where it may be written to past its queue: a TCP or Unix one. The queue may then begin a second write while
   * the first is under way. TLS takes one at a time, and Node ends the process by an assertion in C++ when it is given another.
   */
  readonly #netSocket: Socket | undefined;
  /** A write past the queue that the kernel has not taken whole. */
  #underWay = false;
  #corked = false;
  /** Ends the connection once that write is over. */
  #endLater: (() => void) | undefined;
  readonly #onWritten = (error?: Error | null) => {
    this.#underWay = false;
    if (error) this.#socket.destroy(error);
    else if (this.#endLater !== undefined) this.#endLater();
  };

  constructor(socket: Writable) {
    this.#socket = socket;
    this.#netSocket = socket instanceof Socket && !(socket instanceof TLSSocket) ? socket : undefined;
  }

  /** Latin-1 text. */
  writeText(text: string): void {
    if (!this.#writePastQueue(text)) this.#socket.write(text, 'latin1');
  }

  /**
   * A text that is written again and again, with `part` in its place, and octets behind it, valid within this call only:
   * together a small write.
   */
  writeChanging(text: ChangingText, part: ChangingPart, content = NOTHING): void {
    const octets = this.#keepsOctets ? undefined : text.octets(part);
    if (octets === undefined) return this.writeCopy(text.text(part.text), content, 0, content.length);
    const piece = content.length === 0 ? octets : putTogether(octets, content, 0, content.length);
    if (!this.#writePastQueue(piece)) this.#socket.write(Buffer.from(piece));
    else if (!this.#underWay) return;
    else if (piece === octets) text.leaveOctets();
    else leaveWriteBlock();
  }

  /** Latin-1 text and octets behind it, valid within this call only: together a small write. */
  writeCopy(text: string, bytes: Buffer, start: number, end: number): void {
    if (this.#keepsOctets) return this.writeText(text + textOf(bytes, start, end));
    const piece = putTogether(text, bytes, start, end);
    if (!this.#writePastQueue(piece)) this.#socket.write(Buffer.from(piece));
    else if (this.#underWay) leaveWriteBlock();
  }

  /** False: wait for 'drain' before more. */
  write(bytes: Buffer): boolean {
    return this.#socket.write(bytes);
  }

  /** `bytes` stay as they are until the other side has taken them: until `full` is false. */
  writeLasting(bytes: Buffer): void {
    // What is less than the mark may be left waiting without a word when it is gone.
    this.#socket.write(bytes.length < this.#socket.writableHighWaterMark ? Buffer.from(bytes) : bytes);
  }

  /** The other side does not take what is written: 'drain' tells when it has. */
  get full(): boolean {
    return this.#socket.writableNeedDrain && this.#socket.writableLength > 0;
  }

  /** The kernel has everything. */
  get done(): boolean {
    return !this.#underWay && this.#socket.writableLength === 0;
  }

  /** The kernel has everything, and is being told that it is all. */
  get ending(): boolean {
    return this.#socket.writableEnded && !this.#socket.writableFinished && this.#socket.writableLength === 0;
  }

  /**
   * Nothing is written after it. `onFlushed`: the kernel has everything. As long as a write past the queue is under way the
   * socket is not told: it knows nothing of that write, and a connection whose shutdown waits for one can't be reset.
   */
  end(onFlushed?: () => void): void {
    if (this.#underWay) this.#endLater = () => void this.#socket.end(onFlushed);
    else this.#socket.end(onFlushed);
  }

  /** What is written until `uncork` leaves in one piece. */
  cork(): void {
    this.#corked = true;
    this.#socket.cork();
  }

  uncork(): void {
    this.#corked = false;
    this.#socket.uncork();
  }

  /** The socket may still need what it was given after the call that gave it, and does not say for how long. */
  get #keepsOctets(): boolean {
    return this.#netSocket === undefined;
  }

  /** False: it has to wait for what is before it. Octets are still needed for as long as they are under way. */
  #writePastQueue(content: string | Buffer): boolean {
    const socket = this.#netSocket;
    if (socket === undefined || this.#underWay || this.#corked || !isIdle(socket)) return false;
    this.#underWay = true;
    if (!tryDirectWrite(socket, content, this.#onWritten))
      socket._write(content, (typeof content === 'string' ? 'latin1' : 'buffer') as BufferEncoding, this.#onWritten);
    return true;
  }
}

/** Nothing is queued, and it is there; where it is there no longer, the write fails as it would in the queue. */
function isIdle(socket: Socket): boolean {
  return socket.writableLength === 0 && !socket.connecting;
}
