// The launcher's own process: forks workers in the pool's place and tells of their ends. Leaves every decision to the
// pool, and goes when the pool is gone, however that went; its workers stay for the next Understudy to adopt.
import { errorMessage } from '../src/core/errors.js';
import type { LauncherNews, LauncherOrder } from './launch-messages.js';
import { launchWorkerProcess, type ForkedProcess } from './worker-process.js';
import type { LaunchSpec } from './worker-runtime.js';

const launched = new Map<number, ForkedProcess>();

process.title = 'understudy launcher';
process.on('disconnect', () => process.exit());
process.on('message', (order: LauncherOrder) => {
  if (order.kind === 'launch') launch(order.key, order.spec);
  else for (const key of order.keys) launched.get(key)?.signalGroup('SIGKILL');
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

/** A pool that is gone needs no news. */
function tell(news: LauncherNews): void {
  process.send?.(news, undefined, undefined, () => undefined);
}
