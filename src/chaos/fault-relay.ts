// Bytes between a listening port and a server behind it, with faults to order: the port hangs, refuses, answers 503, or
// resets connections in the middle of an answer. Knows of HTTP only what those need.

import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import type { RelayFault } from './fault.js';

export interface RelayOptions {
  readonly host: string;
  readonly port: number;
  readonly innerPort: number;
  /** Answered truly even while everything else gets a 503: an app whose handlers fail mostly still says it is well. */
  readonly healthPath: string;
}

/** By this a client knows that an answer is the fault's own and not the app's. */
export const FAULT_HEADER = 'x-understudy-chaos';

const ANSWER_503 = `HTTP/1.1 503 Service Unavailable\r\n${FAULT_HEADER}: answer-503\r\ncontent-length: 0\r\nconnection: close\r\n\r\n`;
const HEAD_END = '\r\n\r\n';

export class FaultRelay {
  readonly #options: RelayOptions;
  readonly #pairs = new Set<Pair>();
  #server: Server | undefined;
  #fault: RelayFault | undefined;

  constructor(options: RelayOptions) {
    this.#options = options;
  }

  async listen(): Promise<void> {
    const server = createServer((outer) => this.#accept(outer));
    this.#server = server;
    server.listen(this.#options.port, this.#options.host);
    await once(server, 'listening');
  }

  /** From the next byte on; `refuse` closes the port and cuts every connection. */
  begin(fault: RelayFault): void {
    this.#fault = fault;
    if (fault === 'refuse') this.close();
  }

  /** Everything is well again; what hung goes on. */
  async end(): Promise<void> {
    const fault = this.#fault;
    this.#fault = undefined;
    if (fault === 'refuse') await this.listen();
    for (const pair of this.#pairs) pair.goOn();
  }

  /** Nothing listens and nothing is connected any more. */
  close(): void {
    this.#server?.close();
    this.#server = undefined;
    for (const pair of this.#pairs) pair.cut();
  }

  /** Takes no new connections and lets the present ones end by themselves. */
  drain(): void {
    this.#server?.close();
  }

  #accept(outer: Socket): void {
    const inner = connect({ host: this.#options.host, port: this.#options.innerPort });
    const pair = new Pair({ outer, inner, healthPath: this.#options.healthPath, fault: () => this.#fault });
    this.#pairs.add(pair);
    outer.once('close', () => this.#pairs.delete(pair));
  }
}

interface PairOptions {
  readonly outer: Socket;
  readonly inner: Socket;
  readonly healthPath: string;
  readonly fault: () => RelayFault | undefined;
}

/** One client's connection and the one to the server behind. */
class Pair {
  readonly #outer: Socket;
  readonly #inner: Socket;
  readonly #options: PairOptions;
  /** What came while it hung, in order. */
  #held: (() => void)[] = [];

  constructor(options: PairOptions) {
    this.#options = options;
    const { outer, inner } = options;
    this.#outer = outer;
    this.#inner = inner;
    outer.on('data', (chunk: Buffer) => this.#whenWell(() => this.#toServer(chunk)));
    inner.on('data', (chunk: Buffer) => this.#whenWell(() => this.#toClient(chunk)));
    outer.on('end', () => this.#whenWell(() => inner.end()));
    inner.on('end', () => this.#whenWell(() => outer.end()));
    for (const [socket, other] of [
      [outer, inner],
      [inner, outer],
    ] as const) {
      socket.setNoDelay(true);
      socket.on('drain', () => other.resume());
      socket.on('error', () => this.cut());
      socket.once('close', (hadError) => hadError && other.destroy());
    }
    outer.once('close', () => inner.destroy());
  }

  goOn(): void {
    const held = this.#held;
    this.#held = [];
    for (const step of held) step();
  }

  cut(): void {
    if (!this.#outer.destroyed) this.#outer.resetAndDestroy();
    this.#inner.destroy();
  }

  #whenWell(step: () => void): void {
    if (this.#options.fault() === 'hang') this.#held.push(step);
    else step();
  }

  #toServer(chunk: Buffer): void {
    const { fault, healthPath } = this.#options;
    const probe = chunk.toString('latin1', 0, healthPath.length + 5) === `GET ${healthPath} `;
    if (fault() === 'answer-503' && !probe) return void this.#outer.end(ANSWER_503);
    if (!this.#inner.destroyed && !this.#inner.write(chunk)) this.#outer.pause();
  }

  #toClient(chunk: Buffer): void {
    if (this.#outer.destroyed || this.#outer.writableEnded) return;
    if (this.#options.fault() === 'reset-mid-body') return this.#cutWithin(chunk);
    if (!this.#outer.write(chunk)) this.#inner.pause();
  }

  /** Lets the head and half of the rest through, then resets. A head alone goes through: its body's turn comes. */
  #cutWithin(chunk: Buffer): void {
    const headEnd = chunk.indexOf(HEAD_END);
    const bodyStart = headEnd < 0 ? 0 : headEnd + HEAD_END.length;
    if (bodyStart === chunk.length) return void this.#outer.write(chunk);
    const half = bodyStart + Math.floor((chunk.length - bodyStart) / 2);
    this.#outer.write(chunk.subarray(0, half), () => this.cut());
  }
}
