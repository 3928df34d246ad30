// Reads what is appended to a log file, line by line, across rotation and truncation. It never writes.

import { watch, type FSWatcher } from 'node:fs';
import { open } from 'node:fs/promises';
import { StringDecoder } from 'node:string_decoder';
import { errorCode } from './core/errors.js';

const READ_BYTES = 64 * 1024;

export interface LogFollowerOptions {
  readonly path: string;
  /** Where to begin: the first byte, or only what comes from now on. */
  readonly from: 'start' | 'end';
  readonly onLine: (line: string) => void;
}

export class LogFollower {
  readonly #options: LogFollowerOptions;
  #offset = 0;
  #inode = 0;
  #partialLine = '';
  #decoder = new StringDecoder('utf8');
  #reading: Promise<void> = Promise.resolve();
  #watcher: FSWatcher | undefined;

  constructor(options: LogFollowerOptions) {
    this.#options = options;
  }

  /** Reads what is there (or skips it), then follows. The file must exist. */
  async start(): Promise<void> {
    if (this.#options.from === 'end') await this.#skipToEnd();
    this.#watcher = watch(this.#options.path, { persistent: false }, () => this.#readSoon());
    this.#watcher.on('error', () => undefined);
    this.#readSoon();
    await this.#reading;
  }

  /** Reads what was written up to now, hands out an unfinished last line too, and stops following. */
  async stop(): Promise<void> {
    this.#watcher?.close();
    this.#readSoon();
    await this.#reading;
    if (this.#partialLine !== '') this.#options.onLine(this.#partialLine);
    this.#partialLine = '';
  }

  #readSoon(): void {
    this.#reading = this.#reading.then(() => this.#readNew());
  }

  async #skipToEnd(): Promise<void> {
    const file = await open(this.#options.path, 'r');
    try {
      const { size, ino } = await file.stat();
      this.#offset = size;
      this.#inode = ino;
    } finally {
      await file.close();
    }
  }

  async #readNew(): Promise<void> {
    try {
      await this.#readFromOffset();
    } catch (error) {
      if (errorCode(error) !== 'ENOENT') throw error;
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
  }
}
