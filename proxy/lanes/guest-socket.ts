// A client connection as node:http sees it: a Duplex that is fed one judged message at a time. So the full lane never
// reads an octet that the gate has not passed, and what a client sends behind an upgrade is held until the upstream has
// agreed to it (RFC 9110 section 7.8).

import { Duplex } from 'node:stream';
import { problemKind } from '../problem.js';
import { problemText } from '../problem-text.js';
import type { ClientConnection } from './client-connection.js';
import type { MessageServer } from './message-server.js';
import { textOf } from '../http1/octets.js';

/** A status line and its fields. */
const HEAD_END = '\r\n\r\n';
const MAX_UPGRADE_HEAD_BYTES = 16 * 1024;

/** Hears of an upgrade, and of all that passes through the tunnel that it may become. */
export interface UpgradeListener {
  /** The head of the answer is whole and on its way to the client. */
  onAnswerHead(status: number): void;
  /** Octets behind that head, and those of the client. */
  onPassed(bytes: Buffer, towards: 'client' | 'upstream'): void;
  /** The upstream has ended, and all that it sent is on its way to the client. */
  onUpstreamEnd(): void;
}

export class GuestSocket extends Duplex implements MessageServer {
  readonly takesBlocks = false;
  readonly remoteAddress: string;
  readonly #connection: ClientConnection;
  readonly #enter: (guest: GuestSocket) => void;
  /** Of the present message, when it asks for an upgrade. */
  upgradeListener: UpgradeListener | undefined;
  #entered = false;
  #ignoresClose = false;
  /** Protocol that the present message asks for. */
  #offered: string | undefined;
  /** The answer to an upgrade, until its head is whole. */
  #answer = '';
  #pendingHead: Buffer | undefined;
  #writeDone: (() => void) | undefined;
  #answerBegun = false;
  #served = false;
  /** Its upstream broke the rules of an upgrade: nothing more of it is passed on. */
  #declined = false;

  /** `enter` brings it to node:http, once. */
  constructor(connection: ClientConnection, enter: (guest: GuestSocket) => void) {
    super({ allowHalfOpen: true, decodeStrings: true });
    this.#connection = connection;
    this.#enter = enter;
    this.remoteAddress = connection.clientAddress;
    this.on('error', () => undefined);
  }

  /** A message whose judged head is `head`. */
  begin(head: Buffer, upgrade: string | undefined): this {
    this.#pendingHead = head;
    this.#offered = upgrade;
    this.upgradeListener = undefined;
    this.#answer = '';
    this.#answerBegun = false;
    this.#served = false;
    this.#declined = false;
    return this;
  }

  /** The answer is whole, and node:http keeps the connection. */
  answered(): void {
    if (this.#served || this.destroyed) return;
    this.#served = true;
    this.#connection.answered({ close: false });
  }

  /** The `destroySoon` that comes next is not meant. */
  ignoreNextClose(): void {
    this.#ignoresClose = true;
  }

  /** Ends the client's connection behind these octets; what is still to be written before them is dropped. */
  endWith(bytes: Buffer): void {
    this.#served = true;
    this.#connection.write(bytes);
    this.#connection.answered({ close: true });
    this.destroy();
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

  onBody(bytes: Buffer): void {
    this.#pushHead();
    this.upgradeListener?.onPassed(bytes, 'upstream');
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
    this.push(null);
  }

  onClientGone(): void {
    this.destroy();
  }

  onClientDrained(): void {
    const done = this.#writeDone;
    this.#writeDone = undefined;
    done?.();
  }

  // Duplex: what node:http does.

  override _read(): void {
    this.#connection.resumeBody();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    if (this.#offered === undefined) this.upgradeListener?.onPassed(chunk, 'client');
    const bytes = this.#offered === undefined ? chunk : this.#judgeUpgrade(chunk);
    if (bytes === undefined || (this.#declined && this.#answerBegun)) return done();
    this.#answerBegun = true;
    if (this.#connection.write(bytes)) done();
    else this.#writeDone = done;
  }

  override _final(done: () => void): void {
    this.#served = true;
    this.upgradeListener?.onUpstreamEnd();
    this.#connection.answered({ close: true });
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#writeDone = undefined;
    if (!this.#served) this.#connection.cut({ reset: false });
    this.#served = true;
    done(error);
  }

  /** node:http and http-proxy set it on a socket; ours has its own deadlines. */
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
    const ignored = this.#ignoresClose;
    this.#ignoresClose = false;
    if (ignored || this.writableEnded) return;
    this.end(() => this.destroy());
  }

  #pushHead(): void {
    const head = this.#pendingHead;
    this.#pendingHead = undefined;
    if (head !== undefined) this.push(head);
  }

  /** Collects the head of the answer to an upgrade; undefined while there is nothing to pass on. */
  #judgeUpgrade(chunk: Buffer): Buffer | undefined {
    this.#answer += textOf(chunk);
    const headEnd = this.#answer.indexOf(HEAD_END);
    if (headEnd < 0 && this.#answer.length < MAX_UPGRADE_HEAD_BYTES) return undefined;
    const offered = this.#offered!;
    this.#offered = undefined;
    const answer = Buffer.from(this.#answer, 'latin1');
    const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(this.#answer)?.[1] ?? 0);
    const agreed = /^upgrade:[ \t]*([^\r\n]*?)[ \t]*$/im.exec(this.#answer.slice(0, headEnd))?.[1];
    if (status === 101 && agreed?.toLowerCase() !== offered) return this.#decline();
    this.upgradeListener?.onAnswerHead(status);
    this.upgradeListener?.onPassed(answer.subarray(headEnd < 0 ? 0 : headEnd + HEAD_END.length), 'client');
    if (status !== 101) return answer;
    queueMicrotask(() => this.#connection.becomeTunnel());
    return answer;
  }

  #decline(): Buffer {
    this.#declined = true;
    this.upgradeListener?.onAnswerHead(problemKind('bad-response').status);
    queueMicrotask(() => this.destroySoon());
    const detail = 'the upstream switched to a protocol that was not offered';
    return Buffer.from(problemText('bad-response', { detail, close: true, withBody: true }), 'latin1');
  }
}
