// The first octets of a block, seen as buffers: messages are about as long as each other, and a view costs more than what
// it shows. So those of the shorter lengths are kept.

const KEPT_VIEWS = 2048;

export class BlockViews {
  readonly block: Buffer;
  /** By length; made when first needed. */
  readonly #views = new Array<Buffer | undefined>(KEPT_VIEWS).fill(undefined);

  constructor(block: Buffer) {
    this.block = block;
  }

  /** The first `length` octets; the same object each time, where they are few. */
  of(length: number): Buffer {
    if (length >= KEPT_VIEWS) return this.block.subarray(0, length);
    return (this.#views[length] ??= this.block.subarray(0, length));
  }

  /** Whether `bytes` is one of the views that are kept. */
  has(bytes: Buffer): boolean {
    return bytes === this.#views[bytes.length];
  }
}
