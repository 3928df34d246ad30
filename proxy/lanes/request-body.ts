// A request body that can be sent again: what came from the client is kept up to a bound while it flows. Past the bound
// it is let go, and the body can be sent once only. What nobody was given yet is nowhere else, and is kept whatever the bound
// says. Backpressure reaches the client.

import { Readable } from 'node:stream';

export class RequestBody {
  readonly #source: Readable;
  readonly #limitBytes: number;
  #kept: Buffer[] = [];
  #keptBytes = 0;
  #complete = false;
  #replayable = true;
  #reader: Readable | undefined;
  #bytes = 0;

  constructor(source: Readable, limitBytes: number) {
    this.#source = source;
    this.#limitBytes = limitBytes;
    source.on('data', (chunk: Buffer) => this.#take(chunk));
    source.on('end', () => this.#finish());
    source.pause();
  }

  /** True while everything that came is at hand. */
  get replayable(): boolean {
    return this.#replayable;
  }

  /** The client has sent all of it. */
  get complete(): boolean {
    return this.#complete;
  }

  /** It is the client that is waited for, not whoever takes it. */
  get awaited(): boolean {
    return !this.#complete && !this.#source.isPaused();
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** A stream of the whole body, from its first byte. The previous one, if any, gets nothing more. */
  open(): Readable {
    const reader = new Readable({ read: () => this.#source.resume() });
    // An attempt that is given up destroys its stream; that is no error of the body's.
    reader.on('error', () => undefined);
    this.#reader = reader;
    for (const chunk of this.#kept) reader.push(chunk);
    if (this.#complete) reader.push(null);
    this.#boundKept();
    return reader;
  }

  /** Whoever had it has it no longer, and nobody else does yet: the client is to wait. */
  takeBack(): void {
    this.#reader = undefined;
    this.#source.pause();
  }

  /** Reads and drops what is left, so that the connection can be used again. */
  drop(): void {
    this.#reader = undefined;
    this.#letGo();
    this.#source.resume();
  }

  #take(chunk: Buffer): void {
    this.#bytes += chunk.length;
    if (this.#replayable) {
      this.#kept.push(chunk);
      this.#keptBytes += chunk.length;
    }
    const reader = this.#reader;
    if (reader === undefined) return;
    if (!reader.destroyed && !reader.push(chunk)) this.#source.pause();
    this.#boundKept();
  }

  #boundKept(): void {
    if (this.#keptBytes > this.#limitBytes) this.#letGo();
  }

  #letGo(): void {
    this.#replayable = false;
    this.#kept = [];
    this.#keptBytes = 0;
  }

  #finish(): void {
    this.#complete = true;
    if (this.#reader?.destroyed === false) this.#reader.push(null);
  }
}
