// What of a request body is at hand again for another attempt: all of it up to a bound, or nothing once it was let go.

export class ReplayBuffer {
  readonly #limitBytes: number;
  #pieces: Buffer[] = [];
  #bytes = 0;
  #whole = true;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  /** Everything that came is at hand. */
  get whole(): boolean {
    return this.#whole;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get pieces(): readonly Buffer[] {
    return this.#pieces;
  }

  keep(piece: Buffer): void {
    if (!this.#whole) return;
    if (this.#bytes + piece.length > this.#limitBytes) return this.letGo();
    this.#pieces.push(piece);
    this.#bytes += piece.length;
  }

  letGo(): void {
    this.#whole = false;
    this.#pieces = [];
    this.#bytes = 0;
  }
}
