// `understudy promote|drain|restart [BACKEND]`: one action on one backend, or restart of every one in turn.

import type { AdminClient } from '../admin/admin-client.js';
import type { BackendStatus } from '../admin/status-view.js';
import type { BackendAction } from '../admin/operations.js';
import { EXIT } from './exit-code.js';
import type { Terminal } from './terminal.js';
import { usageError } from './usage-error.js';

export interface BackendActionOptions {
  readonly action: BackendAction;
  readonly backend?: string;
}

const DONE_WORDS: Record<BackendAction, string> = { promote: 'promoted', drain: 'drained', restart: 'restarted' };

/** @throws UnderstudyError `usage` when `promote` or `drain` is given no backend. */
export async function runBackendAction(
  client: AdminClient,
  options: BackendActionOptions,
  terminal: Terminal,
): Promise<number> {
  for (const backend of await backendsFor(client, options)) {
    await client.request({ method: 'POST', path: `/v1/backends/${encodeURIComponent(backend)}/${options.action}` });
    terminal.stdout.write(`${backend}: ${DONE_WORDS[options.action]}\n`);
  }
  return EXIT.done;
}

async function backendsFor(client: AdminClient, options: BackendActionOptions): Promise<readonly string[]> {
  if (options.backend !== undefined) return [options.backend];
  const { backends } = await client.status();
  if (options.action === 'restart') {
    const isOurs = ({ role, workers, port }: BackendStatus) => role !== 'off' && workers.length > 0 && port !== null;
    return backends.filter(isOurs).map(({ name }) => name);
  }
  const names = backends.map(({ name }) => name).join(', ');
  throw usageError(`${options.action}: which backend? Say one of: ${names}.`);
}
