// What calls for a reload from outside the API: SIGHUP (unless our terminal is gone), and with --watch a config file
// that has changed.

import { watch, type FSWatcher } from 'node:fs';
import { basename, dirname } from 'node:path';
import type { Clock, Timer } from './core/clock.js';
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

export class ReloadTriggers {
  readonly #options: ReloadTriggersOptions;
  readonly #terminal = new ControllingTerminal();
  readonly #onSignal = () => this.#onHangup();
  #watcher: FSWatcher | undefined;
  #quiet: Timer | undefined;

  constructor(options: ReloadTriggersOptions) {
    this.#options = options;
    process.on('SIGHUP', this.#onSignal);
    if (options.watchedPath !== undefined) this.#watch(options.watchedPath);
  }

  release(): void {
    process.off('SIGHUP', this.#onSignal);
    this.#watcher?.close();
    this.#quiet?.cancel();
  }

  #onHangup(): void {
    if (this.#terminal.isGone()) this.#options.onTerminalGone();
    else this.#options.onReload('SIGHUP');
  }

  /** The folder, since most editors replace the file: a watch on the file itself would stay with the old one. */
  #watch(path: string): void {
    const name = basename(path);
    this.#watcher = watch(dirname(path), { persistent: false }, (_kind, changed) => {
      if (changed === name) this.#reloadSoon(name);
    });
    this.#watcher.on('error', () => undefined);
  }

  #reloadSoon(name: string): void {
    this.#quiet?.cancel();
    this.#quiet = this.#options.clock.startTimer(QUIET_MS, () => this.#options.onReload(`${name} has changed`), {
      unref: true,
    });
  }
}
