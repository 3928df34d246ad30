// A backend that reads strictly and writes down what it sees: every request, and every byte that is none. It answers each
// request with its own count, so that a client can tell whose answer it has got; a script may answer otherwise.

import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { readRequests, type StrictRequest } from './strict-http.js';

/** The bytes to answer with; undefined leaves the answer to whoever holds the socket. */
export type Script = (request: StrictRequest, socket: Socket) => string | undefined;

export class RecordingBackend {
  readonly requests: StrictRequest[] = [];
  /** What came that is no request. */
  readonly faults: string[] = [];
  readonly sockets = new Set<Socket>();
  script: Script = answerWithTarget;
  port = 0;
  readonly #server: Server;
  #changed: () => void = () => undefined;

  private constructor() {
    this.#server = createServer((socket) => this.#serve(socket));
  }

  static async start(): Promise<RecordingBackend> {
    const backend = new RecordingBackend();
    backend.#server.listen(0, '127.0.0.1');
    await once(backend.#server, 'listening');
    backend.port = (backend.#server.address() as AddressInfo).port;
    return backend;
  }

  /** `METHOD target` of each request in turn. */
  get seen(): string[] {
    return this.requests.map(({ method, target }) => `${method} ${target}`);
  }

  async waitForRequests(count: number): Promise<void> {
    while (this.requests.length < count) await new Promise<void>((resolve) => (this.#changed = resolve));
  }

  /** As if nothing had come yet. */
  forget(): void {
    this.requests.length = 0;
    this.faults.length = 0;
    this.script = answerWithTarget;
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #serve(socket: Socket): void {
    let pending = '';
    this.sockets.add(socket);
    socket.setEncoding('latin1');
    socket.on('error', () => undefined);
    socket.on('close', () => this.sockets.delete(socket));
    socket.on('data', (text: string) => {
      const { messages, rest, fault } = readRequests(pending + text);
      pending = rest;
      for (const request of messages) this.#answer(request, socket);
      if (fault === undefined) return;
      this.faults.push(fault);
      socket.destroy();
    });
  }

  #answer(request: StrictRequest, socket: Socket): void {
    this.requests.push(request);
    const answer = this.script(request, socket);
    if (answer !== undefined) socket.write(answer, 'latin1');
    this.#changed();
  }
}

/** The body names the request, so that nobody can take one answer for another. */
export function answerWithTarget({ method, target }: StrictRequest): string {
  const body = `${method} ${target}`;
  return `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${method === 'HEAD' ? '' : body}`;
}
