// `understudy why [BACKEND]`: explains in plain words why a backend, or the whole pool, is as it is.

import type { AdminClient } from '../admin/admin-client.js';
import { EXIT } from './exit-code.js';
import type { Terminal } from './terminal.js';

export async function runWhy(client: AdminClient, backend: string | undefined, terminal: Terminal): Promise<number> {
  const query = backend === undefined ? '' : `?backend=${encodeURIComponent(backend)}`;
  const { lines } = await client.request<{ lines: readonly string[] }>({ method: 'GET', path: `/v1/why${query}` });
  terminal.stdout.write(lines.map((line) => `${line}\n`).join(''));
  return EXIT.done;
}
