// `understudy upgrade`: has the running instance hand over to a new process, and waits until that one answers.

import type { AdminClient } from '../admin/admin-client.js';
import { systemClock, waitFor } from '../core/clock.js';
import { errorCode } from '../core/errors.js';
import { EXIT } from './exit-code.js';
import { progressLine, type Terminal } from './terminal.js';

const POLL_INTERVAL_MS = 50;

/** Returns once the new process is in charge. */
export async function runUpgrade(client: AdminClient, terminal: Terminal): Promise<number> {
  const line = progressLine(terminal);
  line.show('starting the new process, which takes over the front and the workers');
  try {
    const { pid } = await client.request<{ readonly pid: number }>({ method: 'POST', path: '/v1/upgrade' });
    while ((await pidInCharge(client)) !== pid) await waitFor(systemClock, POLL_INTERVAL_MS);
    line.clear();
    terminal.stdout.write(`upgraded: pid ${pid} serves now\n`);
  } finally {
    line.clear();
  }
  return EXIT.done;
}

/** Undefined in the moment in which the admin socket changes hands. */
async function pidInCharge(client: AdminClient): Promise<number | undefined> {
  try {
    return (await client.status()).instance.pid;
  } catch (error) {
    if (errorCode(error) === 'no-instance') return undefined;
    throw error;
  }
}
