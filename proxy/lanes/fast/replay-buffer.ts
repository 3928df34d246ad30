// What of a request body is at hand again for another attempt: all of it up to a bound, or nothing once it was let go. What no
// upstream was sent yet is nowhere else, and is kept whatever the bound says. One serves all requests of a connection, one
// after the other.

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

  /** Valid until more is kept or it is let go. */
  get pieces(): readonly Buffer[] {
    return this.#pieces;
  }

  /** More is kept than half of what may be: whoever has no upstream for it had better read no more. */
  get full(): boolean {
    return this.#bytes > this.#limitBytes / 2;
  }

  /** `borrowed`: valid until `own`. To be followed by `noteSent` once an upstream was sent it. */
  keep(piece: Buffer, borrowed: boolean): void {
    if (!this.#whole) return;
    this.#pieces.push(piece);
    this.#bytes += piece.length;
    this.#borrowed ||= borrowed;
  }

  /** An upstream was sent everything: from here on what is too much is let go. */
  noteSent(): void {
    if (this.#bytes > this.#limitBytes) this.letGo();
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
