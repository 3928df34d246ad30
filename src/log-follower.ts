// Reads what is appended to one log file, line by line, across rotation and truncation. It is told when to look.

import { statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { StringDecoder } from 'node:string_decoder';

const READ_BYTES = 64 * 1024;
/** A progress bar may never end its line. */
const LONGEST_LINE = 64 * 1024;

export interface LogFollowerOptions {
  readonly path: string;
  /** Where to begin: the first byte, or only what comes from now on. */
  readonly from: 'start' | 'end';
  readonly onLine: (line: string) => void;
}

export class LogFollower {
  readonly #options: LogFollowerOptions;
  readonly #decoder = new StringDecoder('utf8');
  #offset = 0;
  #inode = 0;
  #partialLine = '';
  #reading: Promise<void> = Promise.resolve();

  constructor(options: LogFollowerOptions) {
    this.#options = options;
    if (options.from === 'end') this.#skipToEnd();
  }

  /** Reads what has come since the last look. Looks queue up. Never rejects: what can't be read now may be at the next look. */
  look(): Promise<void> {
    this.#reading = this.#reading.then(() => this.#readNew());
    return this.#reading;
  }

  /** One last look; an unfinished last line is handed out too. */
  async finish(): Promise<void> {
    await this.look();
    if (this.#partialLine !== '') this.#options.onLine(this.#partialLine);
    this.#partialLine = '';
  }

  #skipToEnd(): void {
    const stat = statSync(this.#options.path, { throwIfNoEntry: false });
    this.#offset = stat?.size ?? 0;
    this.#inode = stat?.ino ?? 0;
  }

  async #readNew(): Promise<void> {
    try {
      await this.#readFromOffset();
    } catch {
      // It is gone, somebody else's by now, or there is no descriptor left for it: lines on a screen, no more.
    }
  }

  async #readFromOffset(): Promise<void> {
    const file = await open(this.#options.path, 'r');
    try {
      const { size, ino } = await file.stat();
      if (ino !== this.#inode || size < this.#offset) this.#offset = 0;
      this.#inode = ino;
      const buffer = Buffer.allocUnsafe(READ_BYTES);
      for (;;) {
        const { bytesRead } = await file.read(buffer, 0, READ_BYTES, this.#offset);
        if (bytesRead === 0) return;
        this.#offset += bytesRead;
        this.#emitLines(this.#decoder.write(buffer.subarray(0, bytesRead)));
      }
    } finally {
      await file.close();
    }
  }

  #emitLines(text: string): void {
    const lines = (this.#partialLine + text).split('\n');
    this.#partialLine = lines.pop() ?? '';
    for (const line of lines) this.#options.onLine(line);
    if (this.#partialLine.length < LONGEST_LINE) return;
    this.#options.onLine(this.#partialLine);
    this.#partialLine = '';
  }
}
