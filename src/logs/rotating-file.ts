// A log file of our own that is written in large pieces and rotated by size. What is buffered is at most a second old.

import { mkdirSync, renameSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { pino } from 'pino';
import type { Clock, Timer } from '../core/clock.js';
import { shiftGenerations, type RotationOptions } from './generations.js';

const BUFFER_BYTES = 8 * 1024;
const FLUSH_EVERY_MS = 1_000;

export class RotatingFile {
  readonly #path: string;
  readonly #options: RotationOptions;
  readonly #destination: ReturnType<typeof pino.destination>;
  readonly #clock: Clock;
  #bytes: number;
  #flushTimer: Timer | undefined;

  constructor(path: string, options: RotationOptions, clock: Clock) {
    this.#path = path;
    this.#options = options;
    this.#clock = clock;
    mkdirSync(dirname(path), { recursive: true });
    this.#bytes = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
    // Synchronous, so that a rotation finds everything on its side of the cut; 8 KiB at a time cost microseconds.
    this.#destination = pino.destination({ dest: path, sync: true, minLength: BUFFER_BYTES, append: true });
  }

  /** One line, with its end. */
  write(line: string): void {
    this.#destination.write(line);
    this.#bytes += line.length;
    if (this.#bytes > this.#options.maxBytes) this.#rotate();
    else this.#flushTimer ??= this.#clock.startTimer(FLUSH_EVERY_MS, () => this.#flush(), { unref: true });
  }

  /** Everything written is in the file when this returns. */
  close(): void {
    this.#flush();
    this.#destination.end();
  }

  #flush(): void {
    this.#flushTimer?.cancel();
    this.#flushTimer = undefined;
    this.#destination.flushSync();
  }

  #rotate(): void {
    this.#flush();
    renameSync(this.#path, shiftGenerations(this.#path, this.#options.keep));
    this.#destination.reopen();
    this.#bytes = 0;
  }
}
