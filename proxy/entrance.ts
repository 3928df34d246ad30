// The way in of connections that are more than plain HTTP/1.1 over a socket: a PROXY header where the front asks for one, then
// the TLS handshake where it has a certificate, then HTTP/2 where a client wants it. What comes out is one stream of HTTP/1.1
// a client connection, or a request of HTTP/2.

import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { createSecureContext, type SecureContext, type TLSSocket } from 'node:tls';
import type { DeadlineWheel } from './deadline-wheel.js';
import { Http2Sessions, type SessionsDependencies } from './http2/http2-sessions.js';
import type { FrontOptions, TlsOptions } from './options.js';
import { Prologues, type ProloguePolicies } from './prologues.js';
import { expectHeader } from './proxy-protocol/expected-header.js';
import { shakeHands } from './tls/handshake.js';

export interface EntranceDependencies {
  readonly wheel: DeadlineWheel;
  /** Called in the turn in which there is something to read, and to read `stream` from then on. */
  readonly onEntered: (stream: Duplex, clientAddress: string) => void;
  /** A request of HTTP/2 that did not come out. */
  readonly onRefused: SessionsDependencies['onRefused'];
}

/** Whether connections need one; the others may share blocks from their first octet. */
export function needsEntrance({ proxyProtocol, tls }: FrontOptions): boolean {
  return proxyProtocol === true || tls !== undefined;
}

export class Entrance {
  readonly #policies: ProloguePolicies;
  readonly #prologues: Prologues;
  readonly #sessions: Http2Sessions;
  readonly #onEntered: EntranceDependencies['onEntered'];
  #tls: TlsOptions | undefined;
  #context: SecureContext | undefined;

  constructor(policies: ProloguePolicies, { wheel, onEntered, onRefused }: EntranceDependencies) {
    this.#policies = policies;
    this.#prologues = new Prologues(policies, wheel);
    this.#sessions = new Http2Sessions(policies, { wheel, onRequest: onEntered, onRefused });
    this.#onEntered = onEntered;
    this.onPoliciesChanged();
  }

  /** Connections that are not over yet; those that have come out are others' to count. */
  get count(): number {
    return this.#prologues.count + this.#sessions.count;
  }

  /** @param socket paused, and not read from. @param unixPeer where it has no address, and needs no encryption. */
  enter(socket: Socket, unixPeer?: string): void {
    const goOn = (announced: Socket, address: string) => {
      if (unixPeer === undefined) this.#secure(announced, address);
      else this.#onEntered(announced.resume(), address);
    };
    const peer = unixPeer ?? socket.remoteAddress;
    if (this.#policies.options.front.proxyProtocol !== true) return goOn(socket, peer ?? '');
    expectHeader({ socket, peer }, this.#prologues, goOn);
  }

  /** Another certificate is for the next handshakes. */
  onPoliciesChanged(): void {
    const { tls } = this.#policies.options.front;
    if (tls === this.#tls) return;
    this.#tls = tls;
    this.#context = tls && createSecureContext(tls);
  }

  /** Whoever comes is still let in, but none is waited for longer than `idleMs`. */
  leave(idleMs: number): void {
    this.#prologues.shorten(idleMs);
    this.#sessions.end();
  }

  /** Nobody comes in any more; requests that are in are finished. */
  drain(): void {
    this.#prologues.destroy();
    this.#sessions.end();
  }

  /** Ends every connection now. */
  destroy(): void {
    this.#prologues.destroy();
    this.#sessions.destroy();
  }

  #secure(socket: Socket, address: string): void {
    const context = this.#context;
    // It was read from, so it can't share a block.
    if (context === undefined) return this.#onEntered(socket.resume(), address);
    shakeHands(socket, {
      context,
      address,
      prologues: this.#prologues,
      onSecured: (secured, client) => this.#begin(secured, client),
    });
  }

  #begin(secured: TLSSocket, address: string): void {
    if (secured.alpnProtocol === 'h2') this.#sessions.begin(secured, address);
    else this.#onEntered(secured, address);
  }
}
