// `understudy stop`: asks the running instance to drain and end, and waits until its socket is gone.

import type { AdminClient } from '../admin/admin-client.js';
import { systemClock, waitFor } from '../core/clock.js';
import { errorCode } from '../core/errors.js';
import { EXIT } from './exit-code.js';
import { progressLine, type Terminal } from './terminal.js';

const POLL_INTERVAL_MS = 100;

/** Returns once the instance is gone. */
export async function runStop(client: AdminClient, terminal: Terminal): Promise<number> {
  const { instance } = await client.status();
  await client.request({ method: 'POST', path: '/v1/stop' });
  const line = progressLine(terminal);
  while (processLives(instance.pid)) {
    line.show(`pid ${instance.pid}: finishing what is in flight, then stopping the workers`);
    await waitFor(systemClock, POLL_INTERVAL_MS);
  }
  line.clear();
  terminal.stdout.write('stopped\n');
  return EXIT.done;
}

function processLives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errorCode(error) === 'EPERM';
  }
}
