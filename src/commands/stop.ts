// `understudy stop`: asks the running instance to drain and end, and waits until its process is gone. What is in flight
// may take as long as the config lets it. An instance that no longer answers, since it is about to end or hangs, gets a while.

import type { AdminClient } from '../admin/admin-client.js';
import { systemClock, waitFor } from '../core/clock.js';
import { errorCode, operatorError, type UnderstudyError } from '../core/errors.js';
import { EXIT } from './exit-code.js';
import { InstanceProcess } from './instance-process.js';
import { progressLine, type Terminal } from './terminal.js';

const POLL_INTERVAL_MS = 100;
/** The admin API is the last thing that it closes before it ends, and it answers within a moment. */
const SILENCE_MS = 30_000;

/**
 * Returns once the instance is gone.
 * @throws UnderstudyError `no-answer` when it is silent from the first, `not-stopped` when it falls silent, but is still there.
 */
export async function runStop(client: AdminClient, terminal: Terminal): Promise<number> {
  const { instance } = await client.status();
  const running = new InstanceProcess(instance.pid);
  await tellToStop(client);
  const line = progressLine(terminal);
  try {
    line.show(`pid ${running.pid}: finishing what is in flight, then stopping the workers`);
    await waitUntilGone(running, client);
  } finally {
    line.clear();
  }
  terminal.stdout.write('stopped\n');
  return EXIT.done;
}

/** An instance that does not answer still has the order, and obeys once it reads again. */
async function tellToStop(client: AdminClient): Promise<void> {
  try {
    await client.request({ method: 'POST', path: '/v1/stop' });
  } catch (error) {
    if (errorCode(error) !== 'no-answer') throw error;
  }
}

async function waitUntilGone(running: InstanceProcess, client: AdminClient): Promise<void> {
  let heardAtMs = systemClock.now();
  while (!running.gone) {
    const silentMs = systemClock.now() - heardAtMs;
    if (silentMs > SILENCE_MS) throw stillThere(running.pid);
    await waitFor(systemClock, POLL_INTERVAL_MS);
    if (await answers(running, client)) heardAtMs = systemClock.now();
  }
}

/** Another instance may answer on that socket by now: that does not count. */
async function answers(running: InstanceProcess, client: AdminClient): Promise<boolean> {
  try {
    return (await client.status()).instance.pid === running.pid;
  } catch {
    return false;
  }
}

function stillThere(pid: number): UnderstudyError {
  return operatorError(
    'not-stopped',
    `the instance was told to stop and has not answered for ${SILENCE_MS / 1000} s, but process ${pid} is still there. The log of 'understudy run' says more.`,
  );
}
