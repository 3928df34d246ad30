// What calls for a reload from outside the API: SIGHUP (unless our terminal is gone), and with --watch a config file
// that has changed.

import { watch, type FSWatcher } from 'node:fs';
import { basename, dirname } from 'node:path';
import type { Clock, Timer } from './core/clock.js';
import { fingerprintOf } from './core/fingerprint.js';
import { ControllingTerminal } from './controlling-terminal.js';

export interface ReloadTriggersOptions {
  readonly clock: Clock;
  /** The file to watch; undefined for signals only. */
  readonly watchedPath: string | undefined;
  onReload(cause: string): void;
  onTerminalGone(): void;
}

/** Editors write a file in several steps; the config is read once they have been quiet for so long. */
const QUIET_MS = 200;
/** For what no watch tells: a link that leads elsewhere now, a folder that was replaced, a machine without watches left. */
const LOOK_EVERY_MS = 1_000;

export class ReloadTriggers {
  readonly #options: ReloadTriggersOptions;
  readonly #terminal = new ControllingTerminal();
  readonly #onSignal = () => this.#onHangup();
  #watcher: FSWatcher | undefined;
  #quiet: Timer | undefined;
  #look: Timer | undefined;
  #seenAs = '';

  constructor(options: ReloadTriggersOptions) {
    this.#options = options;
    process.on('SIGHUP', this.#onSignal);
    if (options.watchedPath !== undefined) this.#watch(options.watchedPath);
  }

  release(): void {
    process.off('SIGHUP', this.#onSignal);
    this.#watcher?.close();
    this.#quiet?.cancel();
    this.#look?.cancel();
  }

  #onHangup(): void {
    if (this.#terminal.isGone()) this.#options.onTerminalGone();
    else this.#options.onReload('SIGHUP');
  }

  /** The folder, since most editors replace the file: a watch on the file itself would stay with the old one. */
  #watch(path: string): void {
    const name = basename(path);
    this.#seenAs = fingerprintOf(path);
    this.#lookLater(path);
    try {
      this.#watcher = watch(dirname(path), { persistent: false }, (_kind, changed) => {
        if (changed === name) this.#lookNow(path);
      });
      this.#watcher.on('error', () => undefined);
    } catch {
      // Then the looks have to do.
    }
  }

  #lookLater(path: string): void {
    const look = () => {
      this.#lookNow(path);
      this.#lookLater(path);
    };
    this.#look = this.#options.clock.startTimer(LOOK_EVERY_MS, look, { unref: true });
  }

  #lookNow(path: string): void {
    const before = this.#seenAs;
    this.#seenAs = fingerprintOf(path);
    if (this.#seenAs !== before) this.#reloadSoon(basename(path));
  }

  #reloadSoon(name: string): void {
    this.#quiet?.cancel();
    this.#quiet = this.#options.clock.startTimer(QUIET_MS, () => this.#options.onReload(`${name} has changed`), {
      unref: true,
    });
  }
}
