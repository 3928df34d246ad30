// The front port: listens, accepts, hands each connection on. It knows no HTTP.

import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { errorCode, errorMessage, operatorError, type UnderstudyError } from '../src/core/errors.js';
import { acceptHandles, type Accepted } from './lanes/shared-block-socket.js';

export interface FrontAddress {
  readonly host: string;
  /** 0 takes a free port. */
  readonly port: number;
}

export class Front {
  readonly #server: Server;

  /**
   * @param accept gets sockets that are paused, and not read from.
   * @param onTrouble hears of connections that could not be accepted.
   */
  constructor(accept: (socket: Socket) => void, onTrouble: (error: Error) => void) {
    // Half-open: a client may end its side after the request and still wants the answer (RFC 9112 section 9.6).
    // Paused: nothing is read before `accept` has decided how.
    this.#server = createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: true }, accept);
    this.#server.once('listening', () => this.#server.on('error', onTrouble));
  }

  /** The same without a socket for each connection, where Node can do so. */
  static ofHandles(accept: (accepted: Accepted) => void, onTrouble: (error: Error) => void): Front {
    const front = new Front(accept, onTrouble);
    front.#server.on('listening', () => acceptHandles(front.#server, accept));
    return front;
  }

  /**
   * Where nobody listens yet, or on a socket that somebody opened for us.
   * @throws UnderstudyError `front-listen` that names the address and why.
   */
  listen(place: FrontAddress | { readonly fd: number }): Promise<{ readonly port: number }> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', (error) => reject('fd' in place ? notOurs(error) : cannotListen(place, error)));
      this.#server.listen(place, () => resolve({ port: (this.#server.address() as AddressInfo).port }));
    });
  }

  /** Accepts on what another process listens on already: connections that wait there are nobody's but the first's. */
  listenOn(inherited: Server): { readonly port: number } {
    const { port } = inherited.address() as AddressInfo;
    this.#server.listen(inherited);
    return { port };
  }

  /** To be given to another process. */
  get server(): Server {
    return this.#server;
  }

  /** No new connection from here on; those accepted live on. */
  stopAccepting(): void {
    if (this.#server.listening) this.#server.close();
  }
}

function notOurs(error: unknown): UnderstudyError {
  return operatorError(
    'front-listen',
    `Cannot use the socket that was passed as front: ${errorMessage(error)}. Accepted: one TCP socket (ListenStream=).`,
    error,
  );
}

const REASONS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another process listens there',
  EACCES: 'not allowed to listen there (ports below 1024 need privileges)',
  EADDRNOTAVAIL: 'no such address on this machine',
  ENOTFOUND: 'no such host',
};

function cannotListen({ host, port }: FrontAddress, error: unknown): UnderstudyError {
  const reason = REASONS[errorCode(error) ?? ''] ?? errorMessage(error);
  return operatorError(
    'front-listen',
    `Cannot listen on the front ${host}:${port}: ${reason}. Choose another with --host and --port.`,
    error,
  );
}
