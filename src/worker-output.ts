// The workers' output as one stream of lines, each behind its worker's id. The workers write to files of their own
// (so that they outlive us); this follows the folder. It owns no file and never writes there.

import { readdirSync, watch, type FSWatcher } from 'node:fs';
import { join } from 'node:path';
import { systemClock, type Clock, type Timer } from './core/clock.js';
import { ensureFolder, PRIVATE_FOLDER } from './core/folders.js';
import { LogFollower } from './log-follower.js';
import { ownerOfLog } from './logs/worker-log-name.js';

/** Where the system tells of no change. */
const LOOK_EVERY_MS = 1_000;

export interface WorkerOutputOptions {
  readonly logDir: string;
  /** Other programs may have files of such names there. */
  readonly isWanted: (backend: string) => boolean;
  /** Whether lines written before now count. */
  readonly from: 'start' | 'end';
  readonly onLine: (workerId: string, line: string) => void;
  readonly clock?: Clock;
  /** How the folder is watched; throws where that can't be done. */
  readonly watchFolder?: typeof watch;
}

export class WorkerOutput {
  readonly #options: WorkerOutputOptions;
  readonly #followers = new Map<string, LogFollower>();
  #watcher: FSWatcher | undefined;
  #timer: Timer | undefined;

  constructor(options: WorkerOutputOptions) {
    this.#options = options;
  }

  /** Begins with the files that are there; files that come later are read from their first byte. */
  start(): void {
    const { logDir, from } = this.#options;
    ensureFolder(logDir, PRIVATE_FOLDER);
    this.#watch();
    this.#lookAtAll(from);
  }

  /** Hands out what was written up to now, then stops following. Idempotent. */
  async stop(): Promise<void> {
    this.#watcher?.close();
    this.#timer?.cancel();
    const followers = [...this.#followers.values()];
    this.#followers.clear();
    for (const follower of followers) await follower.finish();
  }

  /** A machine has only so many watches, and editors take them: then all is looked at now and then. */
  #watch(): void {
    const { logDir, watchFolder = watch } = this.#options;
    try {
      this.#watcher = watchFolder(logDir, { persistent: false }, (_kind, name) => this.#look(name, 'start'));
      this.#watcher.on('error', () => this.#lookNowAndThen());
    } catch {
      this.#lookNowAndThen();
    }
  }

  #lookNowAndThen(): void {
    const { clock = systemClock } = this.#options;
    this.#timer?.cancel();
    this.#timer = clock.startTimer(LOOK_EVERY_MS, () => this.#lookAgain(), { unref: true });
  }

  #lookAgain(): void {
    this.#lookAtAll('start');
    this.#lookNowAndThen();
  }

  #lookAtAll(from: 'start' | 'end'): void {
    for (const name of namesIn(this.#options.logDir)) this.#look(name, from);
  }

  #look(name: string | null, from: 'start' | 'end'): void {
    const owner = name === null ? undefined : ownerOfLog(name);
    if (name === null || owner === undefined || !this.#options.isWanted(owner.backend)) return;
    const workerId = `${owner.backend}/${owner.worker}`;
    const follower = this.#followers.get(name) ?? this.#follow(name, { workerId, from });
    void follower.look();
  }

  #follow(name: string, options: { readonly workerId: string; readonly from: 'start' | 'end' }): LogFollower {
    const follower = new LogFollower({
      path: join(this.#options.logDir, name),
      from: options.from,
      onLine: (line) => this.#options.onLine(options.workerId, line),
    });
    this.#followers.set(name, follower);
    return follower;
  }
}

/** None of a folder that is gone, or can't be read at present. */
function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}
