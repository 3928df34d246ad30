// What a connection becomes once its upstream has agreed to an upgrade (RFC 9110 section 7.8): octets both ways, unread,
// for as long as both sides like. The ticket is out all that time. It ends as the app ends it, or with an explicit error: a
// close frame between two frames of a WebSocket, a reset otherwise.

import { errorMessage } from '../../../src/core/errors.js';
import type { Logger } from '../../../src/core/log.js';
import type { Outcome } from '../../breaker.js';
import type { ProblemCode } from '../../problem.js';
import type { RequestAccount } from '../../request-account.js';
import type { EndedBy } from '../../request-record.js';
import type { Ticket } from '../../ticket.js';
import type { ClientConnection } from '../client-connection.js';
import type { MessageServer } from '../message-server.js';
import { upstreamErrorCode } from '../undici-error.js';
import { closeFrame, WebSocketFrames } from '../websocket-frames.js';
import { SMALL_BYTES } from '../write-block.js';
import type { UpstreamConnection, UpstreamUser } from './upstream-connection.js';

/** RFC 6455 section 7.4.1 and its registry: the service restarts; a gateway lost its upstream. */
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
  readonly log: Logger;
}

export class Tunnel implements MessageServer, UpstreamUser {
  readonly takesBlocks = false;
  readonly #connection: ClientConnection;
  readonly #upstream: UpstreamConnection;
  readonly #account: RequestAccount;
  readonly #ticket: Ticket;
  readonly #log: Logger;
  /** What the client gets, frame by frame; other protocols have no frames that we know. */
  readonly #frames: WebSocketFrames | undefined;
  #clientEnded = false;

  constructor({ connection, upstream, account, ticket, protocol, log }: TunnelParts) {
    this.#connection = connection;
    this.#upstream = upstream;
    this.#account = account;
    this.#ticket = ticket;
    this.#log = log;
    if (protocol === 'websocket') this.#frames = new WebSocketFrames();
  }

  /** `rest` is what the upstream sent behind its answer's head. What the client sent too early comes after it. */
  begin(rest: Buffer): void {
    this.#account.phase = 'tunnel';
    this.#upstream.user = this;
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

  onBody(bytes: Buffer): void {
    if (this.#account.over) return;
    this.#account.bytesIn += bytes.length;
    this.#ticket.upstream.bytesMoved += bytes.length;
    this.#upstream.write(bytes);
    if (this.#upstream.full) this.#connection.pauseBody();
  }

  onBodyEnd(): void {
    // Nothing here has an end but the connection's.
  }

  onBodyBroken(): boolean {
    return true;
  }

  onHalfClosed(): void {
    this.#clientEnded = true;
    if (!this.#account.over) this.#upstream.end();
  }

  onClientGone(): void {
    this.#end({ endedBy: 'client', outcome: 'success' });
  }

  onClientDrained(): void {
    if (!this.#account.over) this.#upstream.resume();
  }

  // UpstreamUser: what the upstream does.

  onConnected(): void {
    // It was long ago.
  }

  onUpstreamBytes(bytes: Buffer, end: number): boolean {
    const connection = this.#connection;
    this.#account.bytesOut += end;
    this.#ticket.upstream.bytesMoved += end;
    this.#frames?.read(bytes.subarray(0, end));
    if (end <= SMALL_BYTES) connection.writeCopy('', bytes, 0, end);
    else connection.write(Buffer.from(bytes.subarray(0, end)));
    return !connection.full;
  }

  onUpstreamClosed(error: Error | undefined): void {
    const unasked = this.#frames?.closing === false && !this.#clientEnded;
    if (error !== undefined || unasked) {
      const code = error === undefined ? 'upstream-reset' : upstreamErrorCode(error);
      const detail = error === undefined ? 'it closed without a close frame' : errorMessage(error);
      return this.#breakOff(code, { endedBy: 'upstream', closeCode: BAD_GATEWAY, detail });
    }
    this.#end({ endedBy: this.#clientEnded ? 'client' : 'served', outcome: 'success' });
    this.#connection.answered({ close: true });
  }

  onUpstreamDrained(): void {
    this.#connection.resumeBody();
  }

  onUpstreamDeadline(): void {
    // It has none: silence is allowed here.
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
    this.#connection.write(closeFrame(closeCode));
    this.#connection.answered({ close: true });
  }

  #end({ endedBy, code, outcome }: { endedBy: EndedBy; code?: ProblemCode; outcome: Outcome }): void {
    if (this.#account.over) return;
    this.#account.record(code === undefined ? { endedBy, status: STATUS } : { endedBy, status: STATUS, code });
    this.#upstream.destroy();
    this.#ticket.giveBack(outcome);
  }
}
