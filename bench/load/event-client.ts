// Many clients of server-sent events on raw sockets: how many events came, and how old each was.

import { connect, type Socket } from 'node:net';
import { once } from 'node:events';
import { findEvent, sentAt } from './events.js';

const REQUEST = 'GET /events HTTP/1.1\r\nHost: bench\r\nAccept: text/event-stream\r\n\r\n';

export class EventClients {
  /** Ages of the events since the last `begin`, in milliseconds. */
  ages: number[] = [];
  /** Streams that were refused or ended by themselves. */
  lost = 0;
  readonly #sockets: readonly Socket[];
  #leaving = false;

  private constructor(sockets: readonly Socket[]) {
    this.#sockets = sockets;
    for (const socket of sockets) {
      socket.setEncoding('latin1');
      socket.once('data', (text: string) => (this.lost += text.startsWith('HTTP/1.1 200') ? 0 : 1));
      socket.on('data', (text: string) => this.#read(text));
      socket.once('close', () => (this.lost += this.#leaving ? 0 : 1));
      socket.on('error', () => undefined);
      socket.write(REQUEST);
    }
  }

  static async connect(port: number, count: number): Promise<EventClients> {
    const sockets = Array.from({ length: count }, () => connect({ port, host: '127.0.0.1' }));
    await Promise.all(sockets.map((socket) => once(socket, 'connect')));
    return new EventClients(sockets);
  }

  begin(): void {
    this.ages = [];
  }

  leave(): void {
    this.#leaving = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  /** An event is written at once, so its start is never cut in practice; a cut one would be missed, not miscounted. */
  #read(text: string): void {
    const now = performance.timeOrigin + performance.now();
    for (let at = findEvent(text, 0); at >= 0; at = findEvent(text, at + 1)) this.ages.push(now - sentAt(text, at));
  }
}
