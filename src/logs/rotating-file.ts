// A log file of our own that is written in large pieces and rotated by size. What is buffered is at most a second old.
// A disk that takes nothing (full, gone) costs lines, never a request. Written by hand: sonic-boom, which pino writes
// files with, tries again for ever on such a disk, and the event loop stands still with it.

import { appendFileSync, closeSync, existsSync, fstatSync, lstatSync, openSync, renameSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Clock, Timer } from '../core/clock.js';
import { errorMessage } from '../core/errors.js';
import { ensureFolder, fileModeIn } from '../core/folders.js';
import type { Logger } from '../core/log.js';
import { shiftGenerations, type RotationOptions } from './generations.js';

const BUFFER_CHARS = 8 * 1024;
const FLUSH_EVERY_MS = 1_000;

export interface RotatingFileDeps {
  readonly clock: Clock;
  readonly log: Logger;
}

export class RotatingFile {
  readonly #path: string;
  readonly #options: RotationOptions;
  readonly #deps: RotatingFileDeps;
  #fd: number;
  #buffer = '';
  /** A device, a pipe or a link is not ours to put another in the place of. */
  readonly #rotates: boolean;
  #bytes: number;
  #flushTimer: Timer | undefined;
  #inTrouble = false;

  /** @throws when the file can't be opened. */
  constructor(path: string, options: RotationOptions, deps: RotatingFileDeps) {
    this.#path = path;
    this.#options = options;
    this.#deps = deps;
    ensureFolder(dirname(path));
    this.#fd = open(path);
    this.#rotates = lstatSync(path).isFile();
    this.#bytes = fstatSync(this.#fd).size;
  }

  /** One line, with its end. */
  write(line: string): void {
    this.#buffer += line;
    this.#bytes += line.length;
    if (this.#rotates && this.#bytes > this.#options.maxBytes) this.#rotate();
    else if (this.#buffer.length >= BUFFER_CHARS) this.#flush();
    else this.#flushTimer ??= this.#deps.clock.startTimer(FLUSH_EVERY_MS, () => this.#flush(), { unref: true });
  }

  /** Everything written is in the file when this returns. */
  close(): void {
    this.#flush();
    closeSync(this.#fd);
  }

  #flush(): void {
    this.#flushTimer?.cancel();
    this.#flushTimer = undefined;
    const text = this.#buffer;
    this.#buffer = '';
    this.#try(() => appendFileSync(this.#fd, text));
  }

  #rotate(): void {
    this.#flush();
    this.#bytes = 0;
    this.#try(() => {
      // Somebody may have taken it away.
      if (existsSync(this.#path)) renameSync(this.#path, shiftGenerations(this.#path, this.#options.keep));
      const fresh = open(this.#path);
      closeSync(this.#fd);
      this.#fd = fresh;
    });
  }

  /** Trouble is told once, until something works again. */
  #try(act: () => void): void {
    try {
      act();
      this.#inTrouble = false;
    } catch (error) {
      if (!this.#inTrouble) {
        this.#deps.log.error({ path: this.#path, reason: errorMessage(error) }, 'the access log loses lines');
      }
      this.#inTrouble = true;
    }
  }
}

function open(path: string): number {
  return openSync(path, 'a', fileModeIn(dirname(path)));
}
