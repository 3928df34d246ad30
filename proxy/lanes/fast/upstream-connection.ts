// One connection to an upstream: opened, used by one request at a time, kept alive in between, ended when in doubt.
// All connections read into one block: what is read is passed on or copied within the call that brings it.

import { connect, type Socket } from 'node:net';
import type { UpstreamAddress } from '../../../src/core/traffic-port.js';
import type { DeadlineHolder, DeadlineWheel } from '../../deadline-wheel.js';
import type { Upstream } from '../../upstream.js';

/** The request that a connection serves at present. */
export interface UpstreamUser {
  onConnected(): void;
  /** `bytes` from 0 to `end` are valid within this call only. False: no more until `resume`. */
  onUpstreamBytes(bytes: Buffer, end: number): boolean;
  /** Closed, cleanly (no error) or not; the connection is of no further use. */
  onUpstreamClosed(error: Error | undefined): void;
  onUpstreamDrained(): void;
  onUpstreamDeadline(): void;
}

const BLOCK_BYTES = 64 * 1024;
/** Read into by every connection in turn. */
const block = Buffer.allocUnsafeSlow(BLOCK_BYTES);

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
  #error: Error | undefined;

  constructor(upstream: Upstream, events: UpstreamConnectionEvents) {
    this.upstream = upstream;
    this.#events = events;
    this.#socket = open(upstream.target.address, (bytesRead) => this.#onRead(bytesRead));
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

  /** False: wait for `onUpstreamDrained` before more. */
  writeText(text: string): boolean {
    return this.#socket.write(text, 'latin1');
  }

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
    if (this.user !== undefined) return this.user.onUpstreamBytes(block, bytesRead);
    this.destroy();
    return false;
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

function open(address: UpstreamAddress, onRead: (bytesRead: number) => boolean): Socket {
  const place = address.kind === 'tcp' ? { host: address.host, port: address.port } : { path: address.path };
  return connect({ ...place, noDelay: true, onread: { buffer: block, callback: onRead } });
}
