// The workers' output as one stream of lines, each behind its worker's id. The workers write to files of their own
// (so that they outlive us); this follows the folder. It owns no file and never writes there.

import { readdirSync, watch, type FSWatcher } from 'node:fs';
import { join } from 'node:path';
import { ensureFolder, PRIVATE_FOLDER } from './core/folders.js';
import { LogFollower } from './log-follower.js';

/** Log files are named `<backend>-<worker>.log`. */
const LOG_NAME = /^(.+)-(\d+)\.log$/;

export interface WorkerOutputOptions {
  readonly logDir: string;
  /** Only this backend's; every one's by default. */
  readonly backend?: string;
  /** Whether lines written before now count. */
  readonly from: 'start' | 'end';
  readonly onLine: (workerId: string, line: string) => void;
}

export class WorkerOutput {
  readonly #options: WorkerOutputOptions;
  readonly #followers = new Map<string, LogFollower>();
  #watcher: FSWatcher | undefined;

  constructor(options: WorkerOutputOptions) {
    this.#options = options;
  }

  /** Begins with the files that are there; files that come later are read from their first byte. */
  start(): void {
    const { logDir, from } = this.#options;
    ensureFolder(logDir, PRIVATE_FOLDER);
    this.#watcher = watch(logDir, { persistent: false }, (_kind, name) => this.#look(name, 'start'));
    this.#watcher.on('error', () => undefined);
    for (const name of readdirSync(logDir).sort()) this.#look(name, from);
  }

  /** Hands out what was written up to now, then stops following. Idempotent. */
  async stop(): Promise<void> {
    this.#watcher?.close();
    const followers = [...this.#followers.values()];
    this.#followers.clear();
    for (const follower of followers) await follower.finish();
  }

  #look(name: string | null, from: 'start' | 'end'): void {
    const match = LOG_NAME.exec(name ?? '');
    const backend = match?.[1];
    if (name === null || backend === undefined) return;
    if (this.#options.backend !== undefined && backend !== this.#options.backend) return;
    const follower = this.#followers.get(name) ?? this.#follow(name, { workerId: `${backend}/${match?.[2]}`, from });
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
