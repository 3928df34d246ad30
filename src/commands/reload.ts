// `understudy reload`: has the running instance read its config again, and prints what that changed.

import type { AdminClient } from '../admin/admin-client.js';
import type { ReloadReport } from '../admin/reload-report.js';
import { changeText } from '../config/change-text.js';
import { EXIT } from './exit-code.js';
import { progressLine, type Terminal } from './terminal.js';

/** Returns once the pool stands as the config says. */
export async function runReload(client: AdminClient, terminal: Terminal): Promise<number> {
  const line = progressLine(terminal);
  line.show('reloading: changed workers are drained and replaced');
  try {
    const report = await client.request<ReloadReport>({ method: 'POST', path: '/v1/reload' });
    line.clear();
    terminal.stdout.write(describeReload(report));
  } finally {
    line.clear();
  }
  return EXIT.done;
}

/** One line a change. */
export function describeReload({ changes, backends }: ReloadReport): string {
  if (changes.length === 0) return 'reloaded: nothing has changed\n';
  const lines = changes.map((change) => `  ${change.path}: ${changeText(change)}`);
  const touched = (['added', 'removed', 'replaced'] as const)
    .filter((kind) => backends[kind].length > 0)
    .map((kind) => `  backends ${kind}: ${backends[kind].join(', ')}`);
  return ['reloaded:', ...lines, ...touched, ''].join('\n');
}
