// The writing side of a connection: text that may wait for the end of the turn, and octets out of a block that will be read
// into again. Everything leaves in the order in which it was written.

import type { Writable } from 'node:stream';
import type { TurnWriter, WriteTurn } from './write-turn.js';

export class SocketWriter implements TurnWriter {
  readonly #socket: Writable;
  readonly #turn: WriteTurn;
  /** Waits for the end of the turn. */
  #deferred = '';

  constructor(socket: Writable, turn: WriteTurn) {
    this.#socket = socket;
    this.#turn = turn;
  }

  /** Latin-1 text, now or at the end of the turn. */
  writeText(text: string): void {
    if (this.#deferred !== '') this.#deferred += text;
    else if (this.#turn.defer(this)) this.#deferred = text;
    else this.#socket.write(text, 'latin1');
  }

  /** False: wait for 'drain' before more. */
  write(bytes: Buffer): boolean {
    this.flush();
    return this.#socket.write(bytes);
  }

  /** `bytes` stay as they are until the other side has taken them: until `full` is false. */
  writeLasting(bytes: Buffer): void {
    this.flush();
    // What is less than the mark may be left waiting without a word when it is gone.
    this.#socket.write(bytes.length < this.#socket.writableHighWaterMark ? Buffer.from(bytes) : bytes);
  }

  /** The other side does not take what is written: 'drain' tells when it has. */
  get full(): boolean {
    return this.#socket.writableNeedDrain && this.#socket.writableLength > 0;
  }

  /** What is written until `uncork` leaves in one piece. */
  cork(): void {
    this.flush();
    this.#socket.cork();
  }

  uncork(): void {
    this.flush();
    this.#socket.uncork();
  }

  /** What waits leaves now: before the socket is ended, for one. */
  flush(): void {
    const text = this.#deferred;
    if (text === '') return;
    this.#deferred = '';
    this.#socket.write(text, 'latin1');
  }
}
