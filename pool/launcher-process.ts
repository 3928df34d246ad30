// The launcher's own process: forks workers in the pool's place and tells of their ends, and runs what else is to be run.
// Leaves every decision to the pool, and goes when the pool is gone, however that went; its workers stay for the next
// Understudy to adopt.
import { systemClock } from '../src/core/clock.js';
import { errorMessage } from '../src/core/errors.js';
import type { LauncherNews, LauncherOrder } from './launch-messages.js';
import { endRunning, runningHere } from './resources/run-with-deadline.js';
import { trySignal } from './try-signal.js';
import { launchWorkerProcess, type ForkedProcess } from './worker-process.js';
import type { LaunchSpec } from './worker-runtime.js';

const runHere = runningHere(systemClock);
const launched = new Map<number, ForkedProcess>();

process.title = 'understudy launcher';
process.on('disconnect', () => {
  endRunning();
  process.exit();
});
process.on('message', (order: LauncherOrder) => {
  switch (order.kind) {
    case 'launch':
      return launch(order.key, order.spec);
    case 'discard':
      return discard(order.keys);
    case 'run':
      return void run(order.key, order.command, order.deadlineMs);
  }
});

function launch(key: number, spec: LaunchSpec): void {
  try {
    const worker = launchWorkerProcess(spec);
    launched.set(key, worker);
    tell({ kind: 'launched', key, ...(worker.pid === undefined ? {} : { pid: worker.pid }) });
    worker.onExit((report) => {
      launched.delete(key);
      tell({ kind: 'ended', key, report });
    });
  } catch (error) {
    tell({ kind: 'refused', key, reason: errorMessage(error) });
  }
}

function discard(keys: readonly number[]): void {
  for (const key of keys) {
    const worker = launched.get(key);
    if (worker !== undefined) trySignal(worker, 'SIGKILL');
  }
}

async function run(key: number, command: readonly string[], deadlineMs: number): Promise<void> {
  tell({ kind: 'ran', key, result: await runHere(command, deadlineMs) });
}

/** A pool that is gone needs no news. */
function tell(news: LauncherNews): void {
  process.send?.(news, undefined, undefined, () => undefined);
}
