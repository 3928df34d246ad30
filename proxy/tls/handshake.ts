// The TLS handshake of an accepted connection. Done, the connection is handed on as a stream of plain octets, with the
// protocol that both sides have agreed on (ALPN, RFC 7301); where it fails, the connection is closed.

import type { Socket } from 'node:net';
import { TLSSocket, type SecureContext } from 'node:tls';
import type { Prologue, Prologues } from '../prologues.js';

/** In our order of preference: a client that offers none of them is refused, one that offers nothing gets the last. */
const PROTOCOLS = ['h2', 'http/1.1'];

export interface HandshakeOptions {
  readonly context: SecureContext;
  /** The client's, which may be another one than the socket's. */
  readonly address: string;
  readonly prologues: Prologues;
  readonly onSecured: (secured: TLSSocket, address: string) => void;
}

/** @param socket paused; what was read from it and put back comes first. */
export function shakeHands(socket: Socket, options: HandshakeOptions): void {
  options.prologues.add(new Handshake(socket, options));
}

class Handshake implements Prologue {
  deadlineAt = Infinity;
  deadlineTick = -1;
  deadlinePlace = 0;
  place = 0;
  readonly #options: HandshakeOptions;
  readonly #secured: TLSSocket;
  #over = false;
  readonly #onEnd = () => this.#refuse('bad-handshake', 'the connection ended within the TLS handshake');

  constructor(socket: Socket, options: HandshakeOptions) {
    this.#options = options;
    const secured = new TLSSocket(socket, {
      isServer: true,
      secureContext: options.context,
      ALPNProtocols: PROTOCOLS,
    });
    this.#secured = secured;
    socket.on('error', () => undefined);
    // Whoever cuts it means the connection: TLS knows no reset of its own.
    secured.resetAndDestroy = () => {
      socket.resetAndDestroy();
      return secured.destroy();
    };
    secured.on('error', () => undefined);
    // Two events that Node has for its own TLS server, and for whoever makes a connection one of TLS by hand. A fault of the
    // protocol is told by '_tlsError' alone, after the handshake too: only for Node's server it becomes an 'error' then.
    secured.once('secure', () => this.#handOn());
    secured.on('_tlsError', (error: Error) => this.#onFault(error));
    secured.on('end', this.#onEnd);
    secured.on('close', this.#onEnd);
  }

  onDeadline(): void {
    this.#refuse('handshake-timeout', 'the TLS handshake was not over in time');
  }

  end(): void {
    this.#letGo();
    this.#secured.destroy();
  }

  #handOn(): void {
    this.#letGo();
    // As Node's TLS server does; its HTTP/2 would wait for it.
    Object.assign(this.#secured, { secureConnecting: false });
    this.#options.onSecured(this.#secured, this.#options.address);
  }

  #onFault(error: Error): void {
    if (this.#over) this.#secured.destroy();
    else this.#refuse('bad-handshake', error.message);
  }

  #refuse(reason: 'bad-handshake' | 'handshake-timeout', detail: string): void {
    if (this.#over) return;
    this.end();
    const { address, prologues } = this.#options;
    prologues.noteRefused(reason, { peer: address, detail });
  }

  #letGo(): void {
    this.#over = true;
    this.#secured.off('end', this.#onEnd);
    this.#secured.off('close', this.#onEnd);
    this.#options.prologues.remove(this);
  }
}
