// A client connection as node:http sees it: a Duplex that is fed one judged message at a time. So the full lane never
// reads an octet that the gate has not passed.

import type { IncomingMessage } from 'node:http';
import { Duplex } from 'node:stream';
import type { HeadFault } from '../http1/request-head.js';
import type { ClientConnection } from './client-connection.js';
import type { MessageServer } from './message-server.js';

/** Whoever answers the message of the moment. */
export interface GuestServer {
  /** As in MessageServer. */
  onBodyBroken(fault: HeadFault): boolean;
}

export interface GuestEvents {
  /** It is to be brought to node:http; once. */
  onEntering(guest: GuestSocket): void;
  /** Its message is over before node:http has made a request of it: of this head. */
  onRefused(fault: HeadFault, head: Buffer): void;
}

const NOTHING: Buffer = Buffer.alloc(0);

export class GuestSocket extends Duplex implements MessageServer {
  readonly remoteAddress: string;
  readonly encrypted: boolean;
  readonly receivedVersion: string | undefined;
  readonly #connection: ClientConnection;
  readonly #events: GuestEvents;
  /** Of the present message, once node:http has made a request of it. */
  server: GuestServer | undefined;
  #entered = false;
  #pendingHead: Buffer | undefined;
  /** Of the present message, until it is over. */
  #head = NOTHING;
  #writeDone: (() => void) | undefined;
  #served = false;

  constructor(connection: ClientConnection, events: GuestEvents) {
    super({ allowHalfOpen: true, decodeStrings: true });
    this.#connection = connection;
    this.#events = events;
    this.remoteAddress = connection.clientAddress;
    this.encrypted = connection.encrypted;
    this.receivedVersion = connection.receivedVersion;
    this.on('error', () => undefined);
  }

  /** A message whose judged head is `head`. */
  begin(head: Buffer): this {
    this.#pendingHead = this.#head = head;
    this.server = undefined;
    this.#served = false;
    return this;
  }

  /** The answer is whole, and node:http keeps the connection. */
  answered(): void {
    if (this.#served || this.destroyed) return;
    this.#served = true;
    this.#head = NOTHING;
    this.#connection.answered(false);
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
      this.#events.onEntering(this);
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

  onBodyBroken(fault: HeadFault): boolean {
    this.#served = true;
    if (this.server === undefined) this.#events.onRefused(fault, this.#head);
    const begun = this.server?.onBodyBroken(fault) ?? false;
    this.destroy();
    return begun;
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
    if (this.#connection.output.write(chunk)) done();
    else this.#writeDone = done;
  }

  override _final(done: () => void): void {
    this.#served = true;
    this.#connection.answered(true);
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
