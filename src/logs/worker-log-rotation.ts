// Keeps the workers' log files from filling the disk. A worker holds its file open, for as long as it lives and beyond
// us, so the file is copied and then emptied instead of renamed (it is open for appending: the writer goes on at its
// new end). What is written between the copy and the cut, some microseconds, is lost.

import { copyFileSync, readdirSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock, Timer } from '../core/clock.js';
import { errorMessage } from '../core/errors.js';
import { ensureFolder, PRIVATE_FOLDER } from '../core/folders.js';
import type { Logger } from '../core/log.js';
import { shiftGenerations, type RotationOptions } from './generations.js';

/** `<backend>-<worker>.log`; the access log beside them rotates itself. */
const WORKER_LOG = /-\d+\.log$/;

export interface WorkerLogRotationOptions extends RotationOptions {
  readonly logDir: string;
  readonly everyMs: number;
}

export class WorkerLogRotation {
  readonly #options: WorkerLogRotationOptions;
  readonly #clock: Clock;
  readonly #log: Logger;
  #timer: Timer | undefined;

  constructor(options: WorkerLogRotationOptions, { clock, log }: { readonly clock: Clock; readonly log: Logger }) {
    this.#options = options;
    this.#clock = clock;
    this.#log = log;
  }

  /** Looks now, and then again and again. */
  start(): void {
    this.rotateDue();
    this.#timer = this.#clock.startTimer(this.#options.everyMs, () => this.start(), { unref: true });
  }

  stop(): void {
    this.#timer?.cancel();
  }

  /** A log that can't be rotated is no reason to stop serving. */
  rotateDue(): void {
    try {
      ensureFolder(this.#options.logDir, PRIVATE_FOLDER);
      const names = readdirSync(this.#options.logDir).filter((name) => WORKER_LOG.test(name));
      for (const name of names) this.#rotateIfDue(join(this.#options.logDir, name));
    } catch (error) {
      this.#log.warn({ logDir: this.#options.logDir, reason: errorMessage(error) }, 'cannot rotate the worker logs');
    }
  }

  #rotateIfDue(path: string): void {
    const { maxBytes, keep } = this.#options;
    if (statSync(path).size <= maxBytes) return;
    copyFileSync(path, shiftGenerations(path, keep));
    truncateSync(path);
    this.#log.info({ path }, 'rotated');
  }
}
