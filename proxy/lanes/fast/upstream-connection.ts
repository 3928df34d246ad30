// One connection to an upstream: opened, used by one request at a time, kept alive in between, ended when in doubt.

import type { OnReadOpts } from 'node:net';
import type { UpstreamAddress } from '../../../src/core/traffic-port.js';
import type { DeadlineHolder, DeadlineWheel } from '../../deadline-wheel.js';
import { isEndOfReset, resetError } from '../../reset-socket.js';
import type { Upstream } from '../../upstream.js';
import type { ChangingPart, ChangingText } from '../changing-text.js';
import { ReadBlock } from '../read-block.js';
import { SocketWriter } from '../socket-writer.js';
import type { IdleConnections } from './idle-connections.js';
import { UpstreamSocket } from './upstream-socket.js';

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

export interface UpstreamConnectionEvents {
  readonly wheel: DeadlineWheel;
  /** The idle ones to the same upstream, and where this one waits for its next request. */
  readonly siblings: IdleConnections<UpstreamConnection>;
  /** It is of no use any more; told once. */
  readonly onGone: (connection: UpstreamConnection) => void;
}

export class UpstreamConnection implements DeadlineHolder {
  readonly upstream: Upstream;
  readonly #events: UpstreamConnectionEvents;
  readonly #socket: UpstreamSocket;
  readonly #writer: SocketWriter;
  deadlineAt = Infinity;
  deadlineTick = -1;
  deadlinePlace = 0;
  /** Among all connections. Owned by whoever has them all. */
  place = 0;
  user: UpstreamUser | undefined;
  /** A byte of a request may have reached the upstream. */
  connected = false;
  gone = false;
  readonly #block = new ReadBlock();
  #error: Error | undefined;
  /** Told of the other side's end, which leaves ours open. */
  #onEnded: (() => void) | undefined;

  constructor(upstream: Upstream, events: UpstreamConnectionEvents) {
    this.upstream = upstream;
    this.#events = events;
    this.#socket = open(upstream.target.address, {
      buffer: () => this.#block.next(),
      callback: (bytesRead) => this.#onRead(bytesRead),
    });
    this.#writer = new SocketWriter(this.#socket);
    this.#socket.once('connect', () => {
      this.connected = true;
      this.#block.begin();
      this.user?.onConnected();
    });
    this.#socket.on('drain', () => this.user?.onUpstreamDrained());
    this.#socket.on('end', () => this.#onEnd());
    this.#socket.on('error', (error) => (this.#error = error));
    this.#socket.once('close', () => this.#end());
  }

  get siblings(): IdleConnections<UpstreamConnection> {
    return this.#events.siblings;
  }

  writeText(text: string): void {
    this.#socket.mayHaveAnswer = false;
    this.#writer.writeText(text);
  }

  /**
   * A text that is written again and again, with `part` in its place, and octets behind it, valid within this call only:
   * together a small write.
   */
  writeChanging(text: ChangingText, part: ChangingPart, content?: Buffer): void {
    this.#socket.mayHaveAnswer = false;
    this.#writer.writeChanging(text, part, content);
  }

  /** More of what was begun. */
  write(bytes: Buffer): void {
    this.#socket.mayHaveAnswer = true;
    this.#writer.write(bytes);
  }

  /** More of what was begun; `bytes` stay as they are until the upstream has taken them: until `full` is false. */
  writeLasting(bytes: Buffer): void {
    this.#socket.mayHaveAnswer = true;
    this.#writer.writeLasting(bytes);
  }

  /** The upstream does not take what is written: wait for `onUpstreamDrained` before more. */
  get full(): boolean {
    return this.#writer.full;
  }

  /** The kernel has all that was written. */
  get written(): boolean {
    return this.#writer.done;
  }

  /** What is written until `uncork` leaves in one piece, the beginning of a request. */
  cork(): void {
    this.#writer.cork();
  }

  uncork(): void {
    this.#socket.mayHaveAnswer = false;
    this.#writer.uncork();
  }

  resume(): void {
    this.#socket.resume();
  }

  /** Somebody still reads from what it has read: the next octets must not be put there. */
  leaveBlock(): void {
    this.#block.leave();
  }

  arm(delayMs: number, now?: number): void {
    this.#events.wheel.arm(this, delayMs, now);
  }

  disarm(): void {
    this.#events.wheel.disarm(this);
  }

  /** From now on the other side's end leaves ours open: it is over when both have ended. */
  keepHalfOpen(onEnded: () => void): void {
    this.#socket.allowHalfOpen = true;
    this.#onEnded = onEnded;
  }

  /** Nothing more is sent; what comes is still read. */
  end(): void {
    this.#writer.end();
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
    const block = this.#block;
    const more = this.user.onUpstreamBytes(block.bytes, bytesRead, block.lasting);
    // Its answer goes on.
    if (this.user !== undefined) block.noteBulk(bytesRead);
    return more;
  }

  #onEnd(): void {
    if (this.user === undefined) return this.#end();
    // What ends with its connection would pass for whole.
    if (isEndOfReset(this.#socket)) this.#error ??= resetError();
    if (this.#onEnded === undefined || this.#error !== undefined) this.#end();
    else this.#onEnded();
  }

  #end(): void {
    const { user } = this;
    this.user = undefined;
    this.#leave();
    this.#socket.destroy();
    user?.onUpstreamClosed(this.#error ?? this.#socket.writeError);
  }

  #leave(): void {
    if (this.gone) return;
    this.gone = true;
    this.#events.wheel.release(this);
    this.#events.onGone(this);
  }
}

function open(address: UpstreamAddress, onread: OnReadOpts): UpstreamSocket {
  const place = address.kind === 'tcp' ? { host: address.host, port: address.port } : { path: address.path };
  return new UpstreamSocket(onread).connect(place);
}
