// Small writes that wait for the end of the event loop's turn and then leave one behind the other: what Node and the kernel
// do for a write is cheaper when it was done just before. Where nothing else goes on there is nothing to gain, and a write
// leaves at once.

export interface TurnWriter {
  /** Writes what it has deferred. */
  flush(): void;
}

/** Fewer than this in a turn are not worth to wait for its end. */
const WORTH = 3;
/** So many writes leave at once before the next look at whether there is more to do. */
const AT_ONCE = 32;
/** For the octets among what waits; when it is full, what waits leaves. */
const BLOCK_BYTES = 64 * 1024;

export class WriteTurn {
  readonly #writers: (TurnWriter | undefined)[] = [];
  #count = 0;
  /** Deferred in this turn, whether it has left by now or not. */
  #seen = 0;
  #atOnce = 0;
  #block = Buffer.allocUnsafeSlow(BLOCK_BYTES);
  #used = 0;
  readonly #end = () => {
    if (this.#seen < WORTH) this.#atOnce = AT_ONCE;
    this.#seen = 0;
    this.#flush();
  };

  /** True: the writer's `flush` is called before the loop waits again. False: it had better write at once. */
  defer(writer: TurnWriter): boolean {
    if (this.#atOnce > 0) {
      this.#atOnce -= 1;
      return false;
    }
    if (this.#seen === 0) setImmediate(this.#end);
    this.#seen += 1;
    this.#writers[this.#count++] = writer;
    return true;
  }

  /** Latin-1 text and octets behind it, copied into one piece that is valid until those who have deferred were flushed. */
  place(text: string, bytes: Buffer, start: number, end: number): Buffer {
    const length = text.length + end - start;
    if (length > BLOCK_BYTES) return Buffer.concat([Buffer.from(text, 'latin1'), bytes.subarray(start, end)]);
    if (this.#used + length > BLOCK_BYTES) this.#flush();
    const block = this.#block;
    const from = this.#used;
    this.#used += length;
    if (text !== '') block.write(text, from, 'latin1');
    block.set(bytes.subarray(start, end), from + text.length);
    return block.subarray(from, this.#used);
  }

  /** Somebody has not written a piece yet, and keeps what it lies in. */
  leaveBlock(): void {
    this.#block = Buffer.allocUnsafeSlow(BLOCK_BYTES);
    this.#used = 0;
  }

  #flush(): void {
    const count = this.#count;
    this.#count = 0;
    for (let index = 0; index < count; index += 1) {
      const writer = this.#writers[index]!;
      this.#writers[index] = undefined;
      writer.flush();
    }
    this.#used = 0;
  }
}
