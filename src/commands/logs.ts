// `understudy logs [BACKEND] [-f]`: the workers' own output, each line behind its worker's id.

import type { AdminClient } from '../admin/admin-client.js';
import { systemClock, waitFor } from '../core/clock.js';
import { unknownName } from '../core/errors.js';
import { WorkerOutput } from '../worker-output.js';
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
    throw unknownName('backend', options.backend, names);
  }
  const output = new WorkerOutput({
    logDir: instance.logDir,
    isWanted: (name) => (options.backend === undefined ? names.includes(name) : name === options.backend),
    from: 'start',
    onLine: (workerId, line) => terminal.stdout.write(`${workerId} | ${line}\n`),
  });
  output.start();
  if (options.follow) await untilAborted(options.signal);
  await output.stop();
  return EXIT.done;
}

/** Neither a watched folder nor a signal that may come keeps a process up. */
async function untilAborted(signal: AbortSignal | undefined): Promise<void> {
  await waitFor(systemClock, Infinity, signal).catch(() => undefined);
}
