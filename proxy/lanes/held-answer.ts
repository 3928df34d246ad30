// A small answer that is kept back until it is whole. A server writes head and body separately, and its death lands
// between the two now and then: what the client has not seen can still be asked for again elsewhere.

/** An answer that declares more than this is never held. */
export const HELD_ANSWER_BYTES = 16 * 1024;

export interface AnswerHead {
  readonly status: number;
  readonly message: string;
  readonly headers: string[];
}

export class HeldAnswer {
  readonly head: AnswerHead;
  readonly #chunks: Buffer[] = [];

  constructor(head: AnswerHead) {
    this.head = head;
  }

  add(chunk: Buffer): void {
    this.#chunks.push(chunk);
  }

  content(): Buffer {
    return this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks);
  }
}
