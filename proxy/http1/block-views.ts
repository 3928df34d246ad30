// The first octets of a block, seen as buffers: messages are about as long as each other, and a view costs more than what
// it shows. So the last one of each length is kept, or of another length that falls on the same place.

const PLACES = 2048;

export class BlockViews {
  readonly block: Buffer;
  readonly #views: Buffer[];

  constructor(block: Buffer) {
    this.block = block;
    this.#views = new Array<Buffer>(PLACES).fill(block);
  }

  /** The first `length` octets; mostly the same object each time. */
  of(length: number): Buffer {
    const place = length % PLACES;
    const kept = this.#views[place]!;
    return kept.length === length ? kept : (this.#views[place] = this.block.subarray(0, length));
  }

  /** Whether `bytes` is one of the views that are kept. */
  has(bytes: Buffer): boolean {
    return bytes === this.#views[bytes.length % PLACES];
  }
}
