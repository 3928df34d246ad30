// A text that is written again and again with another part in it each time: kept as octets, in which that part alone is
// put anew. As a string it would be put together and made flat for each write.

/** What it is put in with. */
export interface ChangingPart {
  /** Latin-1. */
  readonly text: string;
  readonly length: number;
  putInto(octets: Buffer, start: number): void;
}

/** Where nothing changes. */
export const NO_PART: ChangingPart = { text: '', length: 0, putInto: () => undefined };

export class ChangingText {
  readonly #before: string;
  readonly #after: string;
  /** One that is written only once is cheaper as it is. */
  #written = false;
  #octets: Buffer | undefined;
  #partLength = -1;

  /** Latin-1, both. */
  constructor(before: string, after: string) {
    this.#before = before;
    this.#after = after;
  }

  /** All of it, with `part` in its place. */
  text(part: string): string {
    return `${this.#before}${part}${this.#after}`;
  }

  /** The same as octets, valid until the next call; undefined the first time, when it is not known to come again. */
  octets(part: ChangingPart): Buffer | undefined {
    if (!this.#written) {
      this.#written = true;
      return undefined;
    }
    if (this.#octets === undefined || part.length !== this.#partLength) {
      this.#partLength = part.length;
      this.#octets = Buffer.from(this.text(part.text), 'latin1');
    } else {
      part.putInto(this.#octets, this.#before.length);
    }
    return this.#octets;
  }

  /** Somebody has not written the octets yet, and keeps them. */
  leaveOctets(): void {
    this.#octets = undefined;
  }
}
