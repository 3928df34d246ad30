// Where a body ends, whatever frames it: a length, chunks, or the end of the connection (responses only; RFC 9112
// section 6.3). Says of each block which ranges may be passed on. One reader serves a connection's bodies one by one.

import { ChunkedScanner, type ChunkedRules } from './chunked-scanner.js';

export type BodyKind = 'none' | 'length' | 'chunked' | 'until-close';

const NO_PIECES: readonly number[] = [];

export class BodyReader {
  kind: BodyKind = 'none';
  /** Ranges of the block read last that may be passed on: start and end in turn, `pieceCount` numbers. */
  pieces: readonly number[] = NO_PIECES;
  pieceCount = 0;
  readonly #range: [number, number] = [0, 0];
  /** The length that was declared. */
  expectedBytes = 0;
  #left = 0;
  /** Chunks are rarer than lengths: made when first needed. */
  #chunks: ChunkedScanner | undefined;

  beginNone(): void {
    this.kind = 'none';
  }

  /** `length` 0 is a body that is over already. */
  beginLength(length: number): void {
    this.kind = 'length';
    this.expectedBytes = length;
    this.#left = length;
  }

  beginChunked(rules: ChunkedRules): void {
    this.kind = 'chunked';
    this.#chunks ??= new ChunkedScanner();
    this.#chunks.begin(rules);
  }

  beginUntilClose(): void {
    this.kind = 'until-close';
  }

  get done(): boolean {
    if (this.kind === 'length') return this.#left === 0;
    return this.kind === 'none' || (this.kind === 'chunked' && this.#chunks!.done);
  }

  /** Whether something of our own could be put into the body here without breaking its framing. */
  get atBoundary(): boolean {
    return this.kind === 'until-close' || (this.kind === 'chunked' && this.#chunks!.atBoundary);
  }

  /** What must follow the last piece of a body that is done. */
  get tail(): string {
    return this.kind === 'chunked' ? this.#chunks!.tail : '';
  }

  get fault(): string {
    return this.#chunks?.fault ?? '';
  }

  /** The fault is that the body is larger than allowed. */
  get tooLarge(): boolean {
    return this.#chunks?.tooLarge ?? false;
  }

  /** Returns the offset behind what belongs to this body, or -1 with `fault` set. */
  read(bytes: Buffer, start: number, end: number): number {
    if (this.kind === 'chunked') {
      const scanner = this.#chunks!;
      const stop = scanner.scan(bytes, start, end);
      this.pieces = scanner.pieces;
      this.pieceCount = scanner.pieceCount;
      return stop;
    }
    const stop = this.kind === 'until-close' ? end : Math.min(end, start + this.#left);
    if (this.kind === 'length') this.#left -= stop - start;
    this.#range[0] = start;
    this.#range[1] = stop;
    this.pieces = this.#range;
    this.pieceCount = stop > start ? 2 : 0;
    return stop;
  }
}
