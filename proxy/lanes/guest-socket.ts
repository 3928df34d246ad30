// A client connection as node:http sees it: a Duplex that is fed one judged message at a time. So the full lane never
// reads an octet that the gate has not passed.

import type { IncomingMessage } from 'node:http';
import { Duplex } from 'node:stream';
import type { ClientConnection } from './client-connection.js';
import type { MessageServer } from './message-server.js';

export class GuestSocket extends Duplex implements MessageServer {
  readonly remoteAddress: string;
  readonly encrypted: boolean;
  readonly receivedVersion: string | undefined;
  readonly #connection: ClientConnection;
  readonly #enter: (guest: GuestSocket) => void;
  #entered = false;
  #pendingHead: Buffer | undefined;
  #writeDone: (() => void) | undefined;
  #answerBegun = false;
  #served = false;

  /** `enter` brings it to node:http, once. */
  constructor(connection: ClientConnection, enter: (guest: GuestSocket) => void) {
    super({ allowHalfOpen: true, decodeStrings: true });
    this.#connection = connection;
    this.#enter = enter;
    this.remoteAddress = connection.clientAddress;
    this.encrypted = connection.encrypted;
    this.receivedVersion = connection.receivedVersion;
    this.on('error', () => undefined);
  }

  /** A message whose judged head is `head`. */
  begin(head: Buffer): this {
    this.#pendingHead = head;
    this.#answerBegun = false;
    this.#served = false;
    return this;
  }

  /** The answer is whole, and node:http keeps the connection. */
  answered(): void {
    if (this.#served || this.destroyed) return;
    this.#served = true;
    this.#connection.answered({ close: false });
  }

  /** Ends the client's connection with a reset. */
  cut(): void {
    this.#served = true;
    this.#connection.cut({ reset: true });
    this.destroy();
  }

  // MessageServer: what the client does.

  start(): void {
    this.#pushHead();
    if (!this.#entered) {
      this.#entered = true;
      this.#enter(this);
    }
  }

  takesBlock(): boolean {
    return false;
  }

  onBody(bytes: Buffer): void {
    this.#pushHead();
    if (!this.push(bytes)) this.#connection.pauseBody();
  }

  onBodyEnd(): void {
    // node:http finds the end by itself, from the same framing.
  }

  onBodyBroken(): boolean {
    this.#served = true;
    this.destroy();
    return this.#answerBegun;
  }

  onHalfClosed(): void {
    // Requests that came before the end are still to be read: to node:http it would be the end of all.
    this.emit('halfClosed');
  }

  onClientGone(): void {
    this.destroy();
  }

  onClientDrained(): void {
    this.emit('taken');
    const done = this.#writeDone;
    this.#writeDone = undefined;
    done?.();
  }

  // Duplex: what node:http does.

  override _read(): void {
    this.#connection.resumeBody();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#answerBegun = true;
    if (this.#connection.write(chunk)) done();
    else this.#writeDone = done;
  }

  override _final(done: () => void): void {
    this.#served = true;
    this.#connection.answered({ close: true });
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#writeDone = undefined;
    if (!this.#served) this.#connection.cut({ reset: false });
    this.#served = true;
    done(error);
  }

  /** node:http sets it on a socket; ours has its own deadlines. */
  setTimeout(): this {
    return this;
  }

  setNoDelay(): this {
    return this;
  }

  setKeepAlive(): this {
    return this;
  }

  /** As net.Socket: ends once all is written. */
  destroySoon(): void {
    if (this.writableEnded) return;
    this.end(() => this.destroy());
  }

  #pushHead(): void {
    const head = this.#pendingHead;
    this.#pendingHead = undefined;
    if (head !== undefined) this.push(head);
  }
}

/** Whose message it is: node:http serves no others. */
export function guestOf(request: IncomingMessage): GuestSocket {
  return request.socket as unknown as GuestSocket;
}
