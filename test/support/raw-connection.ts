// A client connection that writes literal bytes and reads literal bytes, for wire tests.

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { connect as connectSecurely } from 'node:tls';

export interface ConnectionChoices {
  readonly localAddress?: string;
  /** Over TLS, trusting this certificate alone; PEM. */
  readonly trust?: string;
}

export class RawConnection {
  readonly socket: Socket;
  received = '';
  ended = false;
  /** It ended with a reset. */
  reset = false;
  #changed: () => void = () => undefined;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.setEncoding('latin1');
    socket.on('data', (text: string) => {
      this.received += text;
      this.#changed();
    });
    socket.on('error', (error: NodeJS.ErrnoException) => (this.reset ||= error.code === 'ECONNRESET'));
    socket.on('end', () => this.#end());
    socket.on('close', () => this.#end());
  }

  /** @param place a port on loopback, or the path of a Unix socket. */
  static async open(place: number | string, { trust, ...from }: ConnectionChoices = {}): Promise<RawConnection> {
    const where = typeof place === 'string' ? { path: place } : { port: place, host: '127.0.0.1', ...from };
    const socket = connect({ ...where, allowHalfOpen: true });
    await once(socket, 'connect');
    return new RawConnection(trust === undefined ? socket : await secure(socket, trust));
  }

  write(bytes: string): this {
    this.socket.write(bytes, 'latin1');
    return this;
  }

  /** Resolves with everything received once it matches; rejects when the connection ends before. */
  async waitFor(pattern: RegExp): Promise<string> {
    while (!pattern.test(this.received)) {
      if (this.ended) throw new Error(`ended before ${pattern}: ${JSON.stringify(this.received)}`);
      await new Promise<void>((resolve) => (this.#changed = resolve));
    }
    return this.received;
  }

  /** Resolves once everything written has left for the other side. */
  flushed(): Promise<void> {
    return new Promise((resolve) => this.socket.write('', () => resolve()));
  }

  /** Resolves when more has come, or the end. */
  waitForMore(): Promise<void> {
    return new Promise((resolve) => (this.#changed = resolve));
  }

  /** Resolves with everything received once the other side has ended or cut the connection. */
  async waitForEnd(): Promise<string> {
    while (!this.ended) await new Promise<void>((resolve) => (this.#changed = resolve));
    return this.received;
  }

  close(): void {
    this.socket.destroy();
  }

  #end(): void {
    this.ended = true;
    this.#changed();
  }
}

async function secure(socket: Socket, trust: string): Promise<Socket> {
  const secured = connectSecurely({ socket, ca: trust, servername: 'localhost' });
  await once(secured, 'secureConnect');
  return secured;
}
