// `understudy logs [BACKEND] [-f]`: the workers' own output, each line behind its worker's id.

import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { AdminClient } from '../admin/admin-client.js';
import { UnderstudyError } from '../core/errors.js';
import { LogFollower } from '../log-follower.js';
import { EXIT } from './exit-code.js';
import type { Terminal } from './terminal.js';

export interface LogsOptions {
  readonly backend?: string;
  readonly follow: boolean;
  /** Ends a followed log. */
  readonly signal?: AbortSignal;
}

/** Prints the log files of one backend's workers, or of all. */
export async function runLogs(client: AdminClient, options: LogsOptions, terminal: Terminal): Promise<number> {
  const { instance, backends } = await client.status();
  const names = backends.map(({ name }) => name);
  if (options.backend !== undefined && !names.includes(options.backend)) {
    throw new UnderstudyError(`Unknown backend '${options.backend}'. There are: ${names.join(', ')}.`, {
      code: 'unknown-backend',
      source: 'operator',
    });
  }
  const wanted = options.backend === undefined ? names : [options.backend];
  const followers = await followersFor(instance.logDir, wanted, terminal);
  await Promise.all(followers.map((follower) => follower.start()));
  if (options.follow) await aborted(options.signal);
  await Promise.all(followers.map((follower) => follower.stop()));
  return EXIT.done;
}

async function followersFor(
  logDir: string,
  backends: readonly string[],
  terminal: Terminal,
): Promise<readonly LogFollower[]> {
  const files = (await readdir(logDir)).filter((name) => backends.some((backend) => isLogOf(name, backend)));
  return files.sort().map((name) => {
    const prefix = workerLabel(name);
    return new LogFollower({
      path: join(logDir, name),
      from: 'start',
      onLine: (line) => terminal.stdout.write(`${prefix} | ${line}\n`),
    });
  });
}

/** Log files are named `<backend>-<worker>.log`. */
function isLogOf(fileName: string, backend: string): boolean {
  return fileName.startsWith(`${backend}-`) && /^\d+\.log$/.test(fileName.slice(backend.length + 1));
}

/** `primary-1.log` -> `primary/1`. */
function workerLabel(fileName: string): string {
  return fileName.replace(/-(\d+)\.log$/, '/$1');
}

function aborted(signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted === true) return resolve();
    signal?.addEventListener('abort', () => resolve(), { once: true });
  });
}
