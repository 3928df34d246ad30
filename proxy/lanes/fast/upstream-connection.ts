// One connection to an upstream: opened, used by one request at a time, kept alive in between, ended when in doubt.
// All connections read into one block: what is read is passed on or copied within the call that brings it. One that brings
// a large body gets a block of its own, out of which the body is written to the client as it lies there.

import { connect, type OnReadOpts, type Socket } from 'node:net';
import type { UpstreamAddress } from '../../../src/core/traffic-port.js';
import type { DeadlineHolder, DeadlineWheel } from '../../deadline-wheel.js';
import type { Upstream } from '../../upstream.js';

/** The request that a connection serves at present. */
export interface UpstreamUser {
  onConnected(): void;
  /**
   * `bytes` from 0 to `end` are valid within this call only; where they are `lasting`, until it has returned true or called
   * `resume` after false. False: no more until `resume`.
   */
  onUpstreamBytes(bytes: Buffer, end: number, lasting: boolean): boolean;
  /** Closed, cleanly (no error) or not; the connection is of no further use. */
  onUpstreamClosed(error: Error | undefined): void;
  onUpstreamDrained(): void;
  onUpstreamDeadline(): void;
}

const BLOCK_BYTES = 64 * 1024;
/** Read into by every connection in turn. */
const sharedBlock = Buffer.allocUnsafeSlow(BLOCK_BYTES);
/** Who brings as much at once brings more: worth a block. */
const BULK_BYTES = BLOCK_BYTES / 2;

export interface UpstreamConnectionEvents {
  readonly wheel: DeadlineWheel;
  /** The idle ones to the same upstream, and where this one waits for its next request. */
  readonly siblings: UpstreamConnection[];
  /** It is of no use any more; told once. */
  readonly onGone: (connection: UpstreamConnection) => void;
}

export class UpstreamConnection implements DeadlineHolder {
  readonly upstream: Upstream;
  readonly #events: UpstreamConnectionEvents;
  readonly #socket: Socket;
  deadlineAt = Infinity;
  deadlineTick = -1;
  user: UpstreamUser | undefined;
  /** A byte of a request may have reached the upstream. */
  connected = false;
  gone = false;
  /** What the next octets are read into. */
  #block = sharedBlock;
  /** What the socket was told of it. */
  #givenBlock: Buffer | undefined;
  #error: Error | undefined;

  constructor(upstream: Upstream, events: UpstreamConnectionEvents) {
    this.upstream = upstream;
    this.#events = events;
    this.#socket = open(upstream.target.address, {
      buffer: () => this.#nextBlock(),
      callback: (bytesRead) => this.#onRead(bytesRead),
    });
    this.#socket.once('connect', () => {
      this.connected = true;
      this.user?.onConnected();
    });
    this.#socket.on('drain', () => this.user?.onUpstreamDrained());
    this.#socket.on('end', () => this.#end());
    this.#socket.on('error', (error) => (this.#error = error));
    this.#socket.once('close', () => this.#end());
  }

  get siblings(): UpstreamConnection[] {
    return this.#events.siblings;
  }

  writeText(text: string): void {
    this.#socket.write(text, 'latin1');
  }

  /** False: wait for `onUpstreamDrained` before more. */
  write(bytes: Buffer): boolean {
    return this.#socket.write(bytes);
  }

  /** What is written until `uncork` leaves in one piece. */
  cork(): void {
    this.#socket.cork();
  }

  uncork(): void {
    this.#socket.uncork();
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  get hasOwnBlock(): boolean {
    return this.#block !== sharedBlock;
  }

  /** Somebody still reads from its block: the next octets must not be put there. */
  leaveBlock(): void {
    this.#block = sharedBlock;
  }

  arm(delayMs: number, now?: number): void {
    this.#events.wheel.arm(this, delayMs, now);
  }

  onDeadline(): void {
    if (this.user === undefined) this.destroy();
    else this.user.onUpstreamDeadline();
  }

  /** At once; its user hears nothing more. */
  destroy(): void {
    this.user = undefined;
    this.#leave();
    this.#socket.destroy();
  }

  #onRead(bytesRead: number): boolean {
    // RFC 9112 section 9.2: what comes unasked is no answer to anything; the connection can't be trusted again.
    if (this.user === undefined) {
      this.destroy();
      return false;
    }
    const lasting = this.hasOwnBlock;
    const more = this.user.onUpstreamBytes(this.#block, bytesRead, lasting);
    // Its answer goes on.
    if (bytesRead >= BULK_BYTES && !lasting && this.user !== undefined)
      this.#block = Buffer.allocUnsafeSlow(BLOCK_BYTES);
    return more;
  }

  /** Asked before the first octets and after each; nothing means that it is the same as before. */
  #nextBlock(): Uint8Array {
    if (this.#block === this.#givenBlock) return SAME_BLOCK;
    this.#givenBlock = this.#block;
    return this.#block;
  }

  #end(): void {
    const { user } = this;
    this.user = undefined;
    this.#leave();
    this.#socket.destroy();
    user?.onUpstreamClosed(this.#error);
  }

  #leave(): void {
    if (this.gone) return;
    this.gone = true;
    this.#events.wheel.disarm(this);
    this.#events.onGone(this);
  }
}

/** The socket goes on with what it has when it is not given an array. */
const SAME_BLOCK = undefined as unknown as Uint8Array;

function open(address: UpstreamAddress, onread: OnReadOpts): Socket {
  const place = address.kind === 'tcp' ? { host: address.host, port: address.port } : { path: address.path };
  return connect({ ...place, noDelay: true, onread });
}
