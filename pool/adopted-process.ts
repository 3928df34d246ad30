// A worker's process that an earlier Understudy started. It is no child of ours, so nobody tells us when it ends: its
// start time is looked at several times a second (one small read), and traffic's refused connections promote the
// standby before that. Its exit code is nobody's to know.
import type { Clock } from '../src/core/clock.js';
import { hasEnded } from '../src/core/process-stat.js';
import { ExitNews } from './exit-news.js';
import { isPidTaken, lookForProcess } from './process-table.js';
import { endRemains, signalGroup } from './worker-process.js';
import { tailWorkerLog } from './worker-log.js';
import type { ProcessIdentity, WorkerProcess } from './worker-runtime.js';

/** Five workers cost about a thousandth of one core. */
const LOOK_EVERY_MS = 100;

export function adoptProcess({ pid, startTicks, logFile }: ProcessIdentity, clock: Clock): WorkerProcess {
  const exit = new ExitNews();
  const look = () => {
    if (lives({ pid, startTicks })) return void clock.startTimer(LOOK_EVERY_MS, look, { unref: true });
    if (!isAnother({ pid, startTicks })) endRemains(pid);
    exit.publish({ code: undefined, signal: undefined });
  };
  clock.startTimer(0, look, { unref: true });
  return {
    pid,
    onExit: (listener) => exit.subscribe(listener),
    signalGroup: (signal) => lives({ pid, startTicks }) && signalGroup(pid, signal),
    release: () => undefined,
    lastOutput: () => tailWorkerLog(logFile, 0),
  };
}

/** The very process, not another one that was given its pid since. Where we could not look the pid alone must tell. */
export function lives({ pid, startTicks }: Pick<ProcessIdentity, 'pid' | 'startTicks'>): boolean {
  const found = lookForProcess(pid);
  if (found === 'unknown') return isPidTaken(pid);
  if (found === 'gone' || hasEnded(found)) return false;
  return startTicks === undefined || found.startTicks === startTicks;
}

/** Somebody else has its pid, which was free before: nobody of its group was left then. */
function isAnother({ pid, startTicks }: Pick<ProcessIdentity, 'pid' | 'startTicks'>): boolean {
  const found = lookForProcess(pid);
  return typeof found === 'object' && startTicks !== undefined && found.startTicks !== startTicks;
}
