// The writing side of a connection: text that may wait for the end of the turn, and octets out of a block that will be read
// into again. Everything leaves in the order in which it was written.
//
// Small writes go past the stream's queue for as long as nothing is in it, straight to the handle: keeping that queue takes
// an object, a bound call and a tick for each write, 3 to 4 % of a small request's CPU. What the kernel does not take at
// once stays with the handle, in order; whatever is written before that is gone goes by the queue, which counts it and
// tells of 'drain'.

import { Socket } from 'node:net';
import type { Writable } from 'node:stream';
import { textOf } from '../http1/octets.js';
import { tryDirectWrite } from './direct-write.js';
import type { TurnWriter, WriteTurn } from './write-turn.js';

export class SocketWriter implements TurnWriter {
  readonly #socket: Writable;
  /** The same, where two writes can be under way at a time. */
  readonly #netSocket: Socket | undefined;
  readonly #encrypted: boolean;
  readonly #turn: WriteTurn;
  /** A write past the queue that the kernel has not taken whole. */
  #underWay = false;
  #corked = false;
  readonly #onWritten = (error?: Error | null) => {
    this.#underWay = false;
    if (error) this.#socket.destroy(error);
  };
  /** Waits for the end of the turn; octets lie in the turn's block. */
  #deferred: string | Buffer = '';

  constructor(socket: Writable, turn: WriteTurn) {
    this.#socket = socket;
    this.#netSocket = socket instanceof Socket ? socket : undefined;
    this.#encrypted = (socket as { encrypted?: boolean }).encrypted === true;
    this.#turn = turn;
  }

  /** Latin-1 text, now or at the end of the turn. */
  writeText(text: string): void {
    const before = this.#takeText();
    if (before !== '') this.#deferred = before + text;
    else if (this.#turn.defer(this)) this.#deferred = text;
    else this.#send(text);
  }

  /** Latin-1 text and octets behind it, valid within this call only: together a small write, which leaves as text does. */
  writeCopy(text: string, bytes: Buffer, start: number, end: number): void {
    // Either would keep the turn's block for longer than the turn.
    if (this.#netSocket === undefined || this.#encrypted) return this.writeText(text + textOf(bytes, start, end));
    const before = this.#takeText();
    const piece = this.#turn.place(before + text, bytes, start, end);
    if (this.#turn.defer(this)) this.#deferred = piece;
    else this.#send(piece);
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

  /** The kernel has everything. */
  get done(): boolean {
    return !this.#underWay && this.#deferred === '' && this.#socket.writableLength === 0;
  }

  /** What is written until `uncork` leaves in one piece. */
  cork(): void {
    this.flush();
    this.#corked = true;
    this.#socket.cork();
  }

  uncork(): void {
    this.flush();
    this.#corked = false;
    this.#socket.uncork();
  }

  /** What waits leaves now: before the socket is ended, for one. */
  flush(): void {
    const content = this.#deferred;
    if (content === '') return;
    this.#deferred = '';
    this.#send(content);
  }

  /** The text that waits, if any, is the caller's; octets that wait are written. */
  #takeText(): string {
    const before = this.#deferred;
    if (typeof before === 'string') this.#deferred = '';
    else this.flush();
    return typeof before === 'string' ? before : '';
  }

  #send(content: string | Buffer): void {
    const socket = this.#netSocket;
    if (socket === undefined || this.#underWay || this.#corked || !isIdle(socket)) return this.#queue(content);
    this.#underWay = true;
    if (this.#encrypted || !tryDirectWrite(socket, content, this.#onWritten))
      socket._write(content, (typeof content === 'string' ? 'latin1' : 'buffer') as BufferEncoding, this.#onWritten);
    if (this.#underWay && typeof content !== 'string') this.#turn.leaveBlock();
  }

  #queue(content: string | Buffer): void {
    if (typeof content === 'string') this.#socket.write(content, 'latin1');
    else this.#socket.write(Buffer.from(content));
  }
}

/** Nothing is queued, and it is there; where it is there no longer, the write fails as it would in the queue. */
function isIdle(socket: Socket): boolean {
  return socket.writableLength === 0 && !socket.connecting;
}
