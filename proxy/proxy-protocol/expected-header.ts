// An accepted connection whose PROXY header has not come yet. With its header read it is handed on together with the address
// that it says; what came behind the header lies in the socket again, to be read by whoever is next. Everything else is
// closed without an answer, since the spec forbids to guess (proxy-protocol.txt, section 2).

import type { Socket } from 'node:net';
import type { Prologue, Prologues } from '../prologues.js';
import { parseProxyHeader } from './proxy-header.js';

/** Called in the turn that brought the header, and to read the socket from then on. */
export type OnAnnounced = (socket: Socket, clientAddress: string) => void;

const NOTHING: Buffer = Buffer.alloc(0);

export interface Announcer {
  /** Paused, and not read from. */
  readonly socket: Socket;
  /** Its address; undefined for one that is gone. */
  readonly peer: string | undefined;
}

/** From trusted proxies alone. */
export function expectHeader({ socket, peer }: Announcer, prologues: Prologues, onAnnounced: OnAnnounced): void {
  // It is gone already, as health checks of the TCP kind are.
  if (peer === undefined) return void socket.destroy();
  if (prologues.policies.trustedProxies.trusts(peer)) {
    return prologues.add(new ExpectedHeader(socket, { peer, prologues, onAnnounced }));
  }
  socket.destroy();
  prologues.noteRefused('untrusted-peer', { peer, detail: 'trustedProxies does not name it' });
}

interface Surroundings {
  readonly peer: string;
  readonly prologues: Prologues;
  readonly onAnnounced: OnAnnounced;
}

class ExpectedHeader implements Prologue {
  deadlineAt = Infinity;
  deadlineTick = -1;
  deadlinePlace = 0;
  place = 0;
  readonly #socket: Socket;
  readonly #surroundings: Surroundings;
  #octets = NOTHING;
  readonly #onReadable = () => this.#read();
  readonly #onEnd = () => this.#refuse('bad-proxy-header', 'the connection ended within the PROXY header');
  readonly #onClose = () => this.end();

  constructor(socket: Socket, surroundings: Surroundings) {
    this.#socket = socket;
    this.#surroundings = surroundings;
    socket.on('readable', this.#onReadable);
    socket.on('end', this.#onEnd);
    socket.on('error', this.#onClose);
    socket.on('close', this.#onClose);
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
    const { peer, onAnnounced } = this.#surroundings;
    onAnnounced(this.#socket, reading.address ?? peer);
  }

  #refuse(reason: 'bad-proxy-header' | 'proxy-header-timeout', detail: string): void {
    this.end();
    // Who looks whether the port is open, and goes, is nobody's mistake.
    if (this.#octets.length === 0 && reason === 'bad-proxy-header') return;
    const { peer, prologues } = this.#surroundings;
    prologues.noteRefused(reason, { peer, detail });
  }

  /** Nobody's deadline and nobody's listener from here on. */
  #letGo(): void {
    const socket = this.#socket;
    socket.off('readable', this.#onReadable);
    socket.off('end', this.#onEnd);
    socket.off('error', this.#onClose);
    socket.off('close', this.#onClose);
    this.#surroundings.prologues.remove(this);
  }
}
