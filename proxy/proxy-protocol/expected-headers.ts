// Accepted connections whose PROXY header has not come yet: from trusted proxies alone, and each within the deadline of a
// client's head. With its header read, a connection is handed on together with the address that it says; what came behind
// the header lies in the socket again, to be read by whoever is next. Everything else is closed without an answer, since
// the spec forbids to guess (proxy-protocol.txt, section 2).

import type { Socket } from 'node:net';
import type { DeadlineHolder, DeadlineWheel } from '../deadline-wheel.js';
import type { LaneContext } from '../lanes/lane-context.js';
import type { ConnectionRefusal } from '../request-record.js';
import { takeOut } from '../take-out.js';
import { parseProxyHeader } from './proxy-header.js';

/** As they are now: a reload puts others in their place. */
type Policies = Pick<LaneContext, 'options' | 'trustedProxies' | 'log' | 'observer'>;

interface Surroundings {
  readonly wheel: DeadlineWheel;
  /** Called in the turn that brought the header, and to read the socket from then on. */
  readonly onAnnounced: (socket: Socket, clientAddress: string) => void;
}

const NOTHING: Buffer = Buffer.alloc(0);

export class ExpectedHeaders {
  readonly #policies: Policies;
  readonly #surroundings: Surroundings;
  readonly #all: ExpectedHeader[] = [];

  constructor(policies: Policies, surroundings: Surroundings) {
    this.#policies = policies;
    this.#surroundings = surroundings;
  }

  get count(): number {
    return this.#all.length;
  }

  /** @param socket paused, and not read from. */
  expect(socket: Socket): void {
    const peer = socket.remoteAddress;
    // It is gone already, as health checks of the TCP kind are.
    if (peer === undefined) return void socket.destroy();
    if (!this.#policies.trustedProxies.trusts(peer)) {
      socket.destroy();
      return this.#noteRefused('untrusted-peer', { peer, detail: 'trustedProxies does not name it' });
    }
    const header = new ExpectedHeader(socket, {
      ...this.#surroundings,
      deadlineMs: this.#policies.options.deadlines.clientHeadMs,
      onOver: () => this.#remove(header),
      onRefused: (reason, detail) => this.#noteRefused(reason, { peer, detail }),
    });
    header.place = this.#all.push(header) - 1;
  }

  /** None is waited for any longer than that. */
  shorten(delayMs: number): void {
    const { wheel } = this.#surroundings;
    for (const header of this.#all) wheel.arm(header, Math.min(delayMs, this.#policies.options.deadlines.clientHeadMs));
  }

  /** Ends every one of them now. */
  destroy(): void {
    for (const header of [...this.#all]) header.end();
  }

  #noteRefused(reason: ConnectionRefusal, facts: { readonly peer: string; readonly detail: string }): void {
    this.#policies.log.debug({ reason, ...facts }, 'a connection was closed before its first request');
    this.#policies.observer.onConnectionRefused?.(reason);
  }

  #remove(header: ExpectedHeader): void {
    const moved = takeOut(this.#all, header.place);
    if (moved !== undefined) moved.place = header.place;
  }
}

interface Waiting extends Surroundings {
  readonly deadlineMs: number;
  /** It is no longer waited for, whatever came of it. */
  readonly onOver: () => void;
  readonly onRefused: (reason: ConnectionRefusal, detail: string) => void;
}

class ExpectedHeader implements DeadlineHolder {
  deadlineAt = Infinity;
  deadlineTick = -1;
  deadlinePlace = 0;
  /** Among all. Owned by whoever has them all. */
  place = 0;
  readonly #socket: Socket;
  readonly #peer: string;
  readonly #waiting: Waiting;
  #octets = NOTHING;
  readonly #onReadable = () => this.#read();
  readonly #onEnd = () => this.#refuse('bad-proxy-header', 'the connection ended within the PROXY header');
  readonly #onClose = () => this.end();

  constructor(socket: Socket, waiting: Waiting) {
    this.#socket = socket;
    this.#waiting = waiting;
    this.#peer = socket.remoteAddress ?? '';
    socket.on('readable', this.#onReadable);
    socket.on('end', this.#onEnd);
    socket.on('error', this.#onClose);
    socket.on('close', this.#onClose);
    waiting.wheel.arm(this, waiting.deadlineMs);
  }

  onDeadline(): void {
    this.#refuse('proxy-header-timeout', 'the PROXY header did not arrive in time');
  }

  end(): void {
    this.#letGo();
    // What was still under way on it is nobody's any more.
    this.#socket.on('error', () => undefined);
    this.#socket.destroy();
  }

  #read(): void {
    const bytes = this.#socket.read() as Buffer | null;
    if (bytes === null) return;
    this.#octets = this.#octets.length === 0 ? bytes : Buffer.concat([this.#octets, bytes]);
    const reading = parseProxyHeader(this.#octets);
    if (reading === 'incomplete') return;
    if ('fault' in reading) return this.#refuse('bad-proxy-header', reading.fault);
    this.#letGo();
    const rest = this.#octets.subarray(reading.length);
    if (rest.length > 0) this.#socket.unshift(rest);
    this.#waiting.onAnnounced(this.#socket, reading.address ?? this.#peer);
  }

  #refuse(reason: ConnectionRefusal, detail: string): void {
    this.end();
    // Who looks whether the port is open, and goes, is nobody's mistake.
    if (this.#octets.length === 0 && reason === 'bad-proxy-header') return;
    this.#waiting.onRefused(reason, detail);
  }

  /** Nobody's deadline and nobody's listener from here on. */
  #letGo(): void {
    const socket = this.#socket;
    socket.off('readable', this.#onReadable);
    socket.off('end', this.#onEnd);
    socket.off('error', this.#onClose);
    socket.off('close', this.#onClose);
    this.#waiting.wheel.release(this);
    this.#waiting.onOver();
  }
}
