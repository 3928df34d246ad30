// What a connection becomes once its upstream has agreed to an upgrade (RFC 9110 section 7.8): octets both ways, unread,
// for as long as both sides like. The ticket is out all that time. It ends as the app ends it, or with an explicit error: a
// close frame between two frames of a WebSocket, a reset otherwise. One whose client or upstream has ended its side goes on
// for as long as octets move, since the other one may never end its own.

import { errorMessage } from '../../../src/core/errors.js';
import type { Logger } from '../../../src/core/log.js';
import type { Outcome } from '../../breaker.js';
import type { ProblemCode } from '../../problem.js';
import type { RequestAccount } from '../../request-account.js';
import type { EndedBy } from '../../request-record.js';
import type { Ticket } from '../../ticket.js';
import type { ClientConnection } from '../client-connection.js';
import type { MessageServer } from '../message-server.js';
import { upstreamErrorCode } from '../upstream-error.js';
import { closeFrame, WebSocketFrames } from '../websocket-frames.js';
import { SMALL_BYTES } from '../write-block.js';
import type { UpstreamConnection, UpstreamUser } from './upstream-connection.js';

/** RFC 6455 section 7.4.1 and its registry: we leave; the service restarts; a gateway lost its upstream. */
const GOING_AWAY = 1001;
const SERVICE_RESTART = 1012;
const BAD_GATEWAY = 1014;

const STATUS = 101;

export interface TunnelParts {
  readonly connection: ClientConnection;
  readonly upstream: UpstreamConnection;
  readonly account: RequestAccount;
  readonly ticket: Ticket;
  /** In lower case. */
  readonly protocol: string;
  /** How long it may be silent once one side has ended. */
  readonly halfOpenIdleMs: number;
  readonly log: Logger;
}

export class Tunnel implements MessageServer, UpstreamUser {
  readonly #connection: ClientConnection;
  readonly #upstream: UpstreamConnection;
  readonly #account: RequestAccount;
  readonly #ticket: Ticket;
  readonly #log: Logger;
  /** What the client gets, frame by frame; other protocols have no frames that we know. */
  readonly #frames: WebSocketFrames | undefined;
  readonly #halfOpenIdleMs: number;
  /** Whose side ended first. */
  #firstEnd: 'client' | 'upstream' | undefined;

  constructor({ connection, upstream, account, ticket, protocol, halfOpenIdleMs, log }: TunnelParts) {
    this.#connection = connection;
    this.#upstream = upstream;
    this.#account = account;
    this.#ticket = ticket;
    this.#halfOpenIdleMs = halfOpenIdleMs;
    this.#log = log;
    if (protocol === 'websocket') this.#frames = new WebSocketFrames();
  }

  /** `rest` is what the upstream sent behind its answer's head. What the client sent too early comes after it. */
  begin(rest: Buffer): void {
    this.#account.phase = 'tunnel';
    this.#upstream.user = this;
    // A WebSocket ends with a close frame: behind it nobody has anything to say.
    if (this.#frames === undefined) this.#upstream.keepHalfOpen(() => this.#onUpstreamEnded());
    if (rest.length > 0) this.onUpstreamBytes(rest, rest.length);
    this.#connection.becomeTunnel(this);
  }

  /** The upstream is being stopped and the time to finish is over. */
  abort(reason: string): void {
    this.#breakOff('upstream-drained', { endedBy: 'proxy', closeCode: SERVICE_RESTART, detail: reason });
  }

  // MessageServer: what the client does.

  start(): void {
    // It is under way.
  }

  takesBlock(): boolean {
    return false;
  }

  onBody(bytes: Buffer): void {
    if (this.#account.over) return;
    this.#account.bytesIn += bytes.length;
    this.#ticket.upstream.bytesMoved += bytes.length;
    this.#upstream.write(bytes);
    this.#armHalfOpen();
    if (this.#upstream.full) this.#connection.pauseBody();
  }

  onBodyEnd(): void {
    // Nothing here has an end but the connection's.
  }

  onBodyBroken(): boolean {
    return true;
  }

  onHalfClosed(): void {
    this.#firstEnd ??= 'client';
    if (this.#account.over) return;
    this.#upstream.end();
    this.#armHalfOpen();
  }

  onClientGone(): void {
    this.#end({ endedBy: this.#firstEnd === 'upstream' ? 'served' : 'client', outcome: 'success' });
  }

  onClientDrained(): void {
    if (!this.#account.over) this.#upstream.resume();
  }

  // UpstreamUser: what the upstream does.

  onConnected(): void {
    // It was long ago.
  }

  onUpstreamBytes(bytes: Buffer, end: number): boolean {
    const { output } = this.#connection;
    this.#account.bytesOut += end;
    this.#ticket.upstream.bytesMoved += end;
    this.#frames?.read(bytes.subarray(0, end));
    this.#armHalfOpen();
    if (end <= SMALL_BYTES) output.writeCopy('', bytes, 0, end);
    else output.write(Buffer.from(bytes.subarray(0, end)));
    return !output.full;
  }

  onUpstreamClosed(error: Error | undefined): void {
    const unasked = this.#frames?.closing === false && this.#firstEnd === undefined;
    if (error !== undefined || unasked) {
      const code = error === undefined ? 'upstream-reset' : upstreamErrorCode(error);
      const detail = error === undefined ? 'it closed without a close frame' : errorMessage(error);
      return this.#breakOff(code, { endedBy: 'upstream', closeCode: BAD_GATEWAY, detail });
    }
    this.#end({ endedBy: this.#firstEnd === 'client' ? 'client' : 'served', outcome: 'success' });
    this.#connection.answered(true);
  }

  onUpstreamDrained(): void {
    this.#connection.resumeBody();
  }

  onUpstreamDeadline(): void {
    const detail = 'one side has ended, and the other fell silent';
    this.#breakOff('body-timeout', { endedBy: 'proxy', closeCode: GOING_AWAY, detail });
  }

  /** The client may still have something to say. */
  #onUpstreamEnded(): void {
    this.#firstEnd ??= 'upstream';
    this.#connection.endSending();
    this.#armHalfOpen();
  }

  /** Silence is allowed only while both sides are open. */
  #armHalfOpen(): void {
    if (this.#firstEnd !== undefined) this.#upstream.arm(this.#halfOpenIdleMs);
  }

  /** Never a clean-looking end. */
  #breakOff(
    code: ProblemCode,
    { endedBy, closeCode, detail }: { readonly endedBy: EndedBy; readonly closeCode: number; readonly detail: string },
  ): void {
    if (this.#account.over) return;
    const frames = this.#frames;
    this.#log.debug({ request: this.#account.id, code, detail }, 'a tunnel was broken off');
    this.#end({ endedBy, code, outcome: endedBy === 'upstream' ? 'failure' : 'neutral' });
    if (frames?.atBoundary !== true || frames.closing) return this.#connection.cut({ reset: true });
    this.#connection.output.write(closeFrame(closeCode));
    this.#connection.answered(true);
  }

  #end({ endedBy, code, outcome }: { endedBy: EndedBy; code?: ProblemCode; outcome: Outcome }): void {
    if (this.#account.over) return;
    this.#account.record({ endedBy, status: STATUS, code });
    this.#upstream.destroy();
    this.#ticket.giveBack(outcome);
  }
}
