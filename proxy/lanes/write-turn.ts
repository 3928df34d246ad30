// Small writes that wait for the end of the event loop's turn and then leave one behind the other: what Node and the kernel
// do for a write is cheaper when it was done just before, by a tenth of a small request's CPU under load. Where nothing else
// goes on there is nothing to gain, and a write leaves at once.

export interface TurnWriter {
  /** Writes what it has deferred. */
  flush(): void;
}

/** Fewer than this in a turn are not worth to wait for its end. */
const WORTH = 3;
/** So many writes leave at once before the next look at whether there is more to do. */
const AT_ONCE = 32;

export class WriteTurn {
  readonly #writers: (TurnWriter | undefined)[] = [];
  #count = 0;
  #atOnce = 0;
  readonly #end = () => this.#flush();

  /** True: the writer's `flush` is called before the loop waits again. False: it had better write at once. */
  defer(writer: TurnWriter): boolean {
    if (this.#atOnce > 0) {
      this.#atOnce -= 1;
      return false;
    }
    if (this.#count === 0) setImmediate(this.#end);
    this.#writers[this.#count++] = writer;
    return true;
  }

  #flush(): void {
    const count = this.#count;
    this.#count = 0;
    if (count < WORTH) this.#atOnce = AT_ONCE;
    for (let index = 0; index < count; index += 1) {
      const writer = this.#writers[index]!;
      this.#writers[index] = undefined;
      writer.flush();
    }
  }
}
