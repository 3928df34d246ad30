// `understudy reload`: the running instance reads its config file again and applies what changed.

import type { AdminClient } from '../admin/admin-client.js';
import { EXIT } from './exit-code.js';
import type { Terminal } from './terminal.js';

export interface ReloadReport {
  /** What changed, a line each; empty when the file says the same as before. */
  readonly changes: readonly string[];
}

export async function runReload(client: AdminClient, terminal: Terminal): Promise<number> {
  const { changes } = await client.request<ReloadReport>({ method: 'POST', path: '/v1/reload' });
  terminal.stdout.write(changes.length === 0 ? 'nothing changed\n' : changes.map((line) => `${line}\n`).join(''));
  return EXIT.done;
}
