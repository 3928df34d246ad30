// The operator's word on the mode. It counts from the moment that it is said, although its mode may turn out impossible;
// then the last word whose mode did stand counts again.

/** Somebody's claim on a mode, with its place in the order of all claims. */
export interface Word {
  readonly mode: string;
  readonly order: number;
}

export class Hand {
  #word: Word;
  /** The last word whose mode stood, for as long as the present one's has yet to. */
  #before: Word | undefined;

  constructor(word: Word) {
    this.#word = word;
  }

  /** What counts now. */
  get word(): Word {
    return this.#word;
  }

  /** The modes that may count: the present word's, and that of the one behind it. */
  get modes(): readonly string[] {
    return [this.#word, ...(this.#before === undefined ? [] : [this.#before])].map(({ mode }) => mode);
  }

  /** Goes on with the word that an earlier Understudy was told. */
  restore(word: Word): void {
    this.#word = word;
  }

  /** Of several words that have yet to stand, none is ever gone back to. */
  say(word: Word): void {
    this.#before ??= this.#word;
    this.#word = word;
  }

  /** The mode stands. */
  noteStands(mode: string): void {
    if (this.#word.mode === mode) this.#before = undefined;
  }

  /** The mode can't be had. Returns whether another word counts now. */
  takeBack(mode: string): boolean {
    if (this.#word.mode !== mode || this.#before === undefined) return false;
    this.#word = this.#before;
    this.#before = undefined;
    return true;
  }
}
