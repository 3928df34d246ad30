// Keeps the workers' log files from filling the disk. A worker holds its file open, for as long as it lives and beyond
// us, so the file is copied and then emptied instead of renamed (it is open for appending: the writer goes on at its
// new end). What is written between the copy and the cut, some microseconds, is lost.

import { appendFileSync, closeSync, openSync, readdirSync, readSync, statSync, truncateSync } from 'node:fs';
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock, Timer } from '../core/clock.js';
import { errorMessage } from '../core/errors.js';
import { ensureFolder, PRIVATE_FOLDER } from '../core/folders.js';
import type { Logger } from '../core/log.js';
import { shiftGenerations, type RotationOptions } from './generations.js';
import { ownerOfLog } from './worker-log-name.js';

export interface WorkerLogRotationOptions extends RotationOptions {
  readonly logDir: string;
  readonly everyMs: number;
  /** Asked each time. Other programs may have files there, and the access log rotates itself. */
  readonly backends: () => readonly string[];
}

export class WorkerLogRotation {
  readonly #options: WorkerLogRotationOptions;
  readonly #clock: Clock;
  readonly #log: Logger;
  #timer: Timer | undefined;
  #rotating: Promise<void> = Promise.resolve();

  constructor(options: WorkerLogRotationOptions, { clock, log }: { readonly clock: Clock; readonly log: Logger }) {
    this.#options = options;
    this.#clock = clock;
    this.#log = log;
  }

  /** Looks now, and then again and again. */
  start(): void {
    void this.rotateDue();
    this.#timer = this.#clock.startTimer(this.#options.everyMs, () => this.start(), { unref: true });
  }

  stop(): void {
    this.#timer?.cancel();
  }

  /** Resolves once each that is due is rotated. A log that can't be is no reason to stop serving, nor for others to grow. */
  rotateDue(): Promise<void> {
    this.#rotating = this.#rotating.then(() => this.#rotateAll());
    return this.#rotating;
  }

  async #rotateAll(): Promise<void> {
    const { logDir } = this.#options;
    for (const name of this.#logNames()) {
      try {
        await this.#rotateIfDue(join(logDir, name));
      } catch (error) {
        this.#log.warn({ path: join(logDir, name), reason: errorMessage(error) }, 'cannot rotate a worker log');
      }
    }
  }

  #logNames(): string[] {
    const { logDir, backends } = this.#options;
    try {
      ensureFolder(logDir, PRIVATE_FOLDER);
      return readdirSync(logDir).filter((name) => backends().includes(ownerOfLog(name)?.backend ?? ''));
    } catch (error) {
      this.#log.warn({ logDir, reason: errorMessage(error) }, 'cannot rotate the worker logs');
      return [];
    }
  }

  async #rotateIfDue(path: string): Promise<void> {
    const { maxBytes, keep } = this.#options;
    if (statSync(path).size <= maxBytes) return;
    const older = shiftGenerations(path, keep);
    await copyFile(path, older);
    // In this turn: what came since.
    appendFileSync(older, readFrom(path, statSync(older).size));
    truncateSync(path);
    this.#log.info({ path }, 'rotated');
  }
}

function readFrom(path: string, offset: number): Buffer {
  const file = openSync(path, 'r');
  try {
    const rest = Buffer.alloc(Math.max(0, statSync(path).size - offset));
    return rest.subarray(0, readSync(file, rest, 0, rest.length, offset));
  } finally {
    closeSync(file);
  }
}
