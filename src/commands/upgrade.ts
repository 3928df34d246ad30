// `understudy upgrade`: has the running instance hand over to a new process, and waits until that one answers, or the
// old one says why it goes on, or neither is there any more.

import type { AdminClient } from '../admin/admin-client.js';
import type { StatusView } from '../admin/status-view.js';
import { systemClock, waitFor } from '../core/clock.js';
import { errorCode, operatorError, type UnderstudyError } from '../core/errors.js';
import { EXIT } from './exit-code.js';
import { InstanceProcess } from './instance-process.js';
import { progressLine, type Terminal } from './terminal.js';

const POLL_INTERVAL_MS = 50;
/** More than the old process gives the new one for all of its steps. */
const PATIENCE_MS = 90_000;

/** Returns once the new process is in charge. @throws UnderstudyError `upgrade-failed` with the step and the reason. */
export async function runUpgrade(client: AdminClient, terminal: Terminal): Promise<number> {
  const line = progressLine(terminal);
  const { instance } = await client.status();
  const before = new InstanceProcess(instance.pid);
  line.show('starting the new process, which takes over the front and the workers');
  try {
    const { pid } = await askForUpgrade(client, before);
    await waitInCharge(client, { before, after: new InstanceProcess(pid) });
    line.clear();
    terminal.stdout.write(`upgraded: pid ${pid} serves now\n`);
  } finally {
    line.clear();
  }
  return EXIT.done;
}

async function askForUpgrade(client: AdminClient, before: InstanceProcess): Promise<{ readonly pid: number }> {
  try {
    return await client.request<{ readonly pid: number }>({ method: 'POST', path: '/v1/upgrade' });
  } catch (error) {
    throw errorCode(error) === 'connection-lost' ? endedError(before) : error;
  }
}

interface BothProcesses {
  readonly before: InstanceProcess;
  readonly after: InstanceProcess;
}

async function waitInCharge(client: AdminClient, { before, after }: BothProcesses): Promise<void> {
  const until = systemClock.now() + PATIENCE_MS;
  while (systemClock.now() < until) {
    const bothGone = before.gone && after.gone;
    const instance = await instanceInCharge(client);
    if (instance?.pid === after.pid && !instance.takingOver) return;
    if (instance?.failedUpgrade?.pid === after.pid) throw upgradeError(instance.failedUpgrade.reason);
    if (bothGone) throw endedError(before);
    await waitFor(systemClock, POLL_INTERVAL_MS);
  }
  throw upgradeError(`neither process has answered for ${PATIENCE_MS / 1000} s; the log of 'understudy run' says more`);
}

/** Undefined when nobody answers: while the admin socket changes hands, our question may be cut off. */
function instanceInCharge(client: AdminClient): Promise<StatusView['instance'] | undefined> {
  return client.status().then(
    ({ instance }) => instance,
    () => undefined,
  );
}

/** We can't tell whether it was killed or stopped. The workers survive only the former, so the text covers both. */
function endedError({ pid }: InstanceProcess): UnderstudyError {
  return upgradeError(
    `The instance (pid ${pid}) ended during the upgrade, and the new process ends with it: nobody serves now. Workers that it did not stop run on: 'understudy run' adopts them.`,
  );
}

function upgradeError(reason: string): UnderstudyError {
  return operatorError('upgrade-failed', reason);
}
