// What connections read into. All share one block: what is read is passed on or copied within the call that brings it. One
// that brings a large body gets a block of its own, out of which the body is written to the other side as it lies there.

import { BLOCK_BYTES, firstOf, sharedBlock } from '../http1/shared-block.js';

/** Who brings as much at once brings more: worth a block. */
const BULK_BYTES = BLOCK_BYTES / 2;

/** One connection's: its `next` is for a socket's `onread.buffer`. */
export class ReadBlock {
  #block = sharedBlock;
  /** What the socket was told to read into. */
  #given = sharedBlock;
  #begun = false;

  /** Where the octets lie that were read last: valid within the call that brings them, or `lasting`. */
  get bytes(): Buffer {
    return this.#given;
  }

  /** They stay as they are until more is read. */
  get lasting(): boolean {
    return this.#given !== sharedBlock;
  }

  /** The socket has the handle that it will read from. Node tries one for each address of a name, and each needs the block. */
  begin(): void {
    this.#begun = true;
  }

  /** Asked for each handle and after each read; nothing means that it is the same as before. */
  next(): Uint8Array {
    if (this.#begun && this.#block === this.#given) return SAME_BLOCK;
    this.#given = this.#block;
    return this.#block;
  }

  /** The first of `bytes`. */
  view(length: number): Buffer {
    return firstOf(this.#given, length);
  }

  /** So many were read of something that goes on: from the next time on it has a block of its own, if that is worth it. */
  noteBulk(length: number): void {
    if (length >= BULK_BYTES && this.#block === sharedBlock) this.#block = Buffer.allocUnsafeSlow(BLOCK_BYTES);
  }

  /** Whoever still reads from the block of its own may go on: the next octets are not put there. */
  leave(): void {
    this.#block = sharedBlock;
  }
}

/** The socket goes on with what it has when it is not given an array. */
const SAME_BLOCK = undefined as unknown as Uint8Array;
