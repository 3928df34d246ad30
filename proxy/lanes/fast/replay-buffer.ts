// What of a request body is at hand again for another attempt: all of it up to a bound, or nothing once it was let go. One
// serves all requests of a connection, one after the other.

export class ReplayBuffer {
  #limitBytes = 0;
  readonly #pieces: Buffer[] = [];
  #bytes = 0;
  #whole = true;
  /** Some of the pieces lie where others will be read soon. */
  #borrowed = false;

  /** For the next body. */
  begin(limitBytes: number): void {
    this.letGo();
    this.#limitBytes = limitBytes;
    this.#whole = true;
  }

  /** Everything that came is at hand. */
  get whole(): boolean {
    return this.#whole;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Valid until more is kept or it is let go. */
  get pieces(): readonly Buffer[] {
    return this.#pieces;
  }

  /** `borrowed`: valid until `own`. */
  keep(piece: Buffer, borrowed: boolean): void {
    if (!this.#whole) return;
    if (this.#bytes + piece.length > this.#limitBytes) return this.letGo();
    this.#pieces.push(piece);
    this.#bytes += piece.length;
    this.#borrowed ||= borrowed;
  }

  /** Copies what was borrowed, and is still kept. */
  own(): void {
    if (!this.#borrowed) return;
    this.#borrowed = false;
    for (const [index, piece] of this.#pieces.entries()) this.#pieces[index] = Buffer.from(piece);
  }

  letGo(): void {
    this.#whole = false;
    this.#pieces.length = 0;
    this.#bytes = 0;
    this.#borrowed = false;
  }
}
