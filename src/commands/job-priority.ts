// The mode's priority for the command of `validate`. We take it ourselves just before the command starts, which inherits
// it from its first instruction on: no wrapper that could fail in the command's place, and one pid as ever.

import { getPriority } from 'node:os';
import { prioritiseTree, readSessionNice, setSessionNice } from '../../pool/index.js';
import type { Clock } from '../core/clock.js';
import type { Priority } from '../core/priority.js';

export interface JobPriorityDeps {
  readonly clock: Clock;
  /** The running instance: it must not be slowed down together with the job. */
  readonly instancePid: number;
  /** What could not be done, in words. */
  readonly warn: (message: string) => void;
}

/** Never rejects. Resolves with what gives back to our session what it had; our own priority stays till our end. */
export async function takeJobPriority(priority: Priority, deps: JobPriorityDeps): Promise<() => Promise<void>> {
  const { clock, instancePid, warn } = deps;
  const wanted = withNiceKept(priority);
  const before = readSessionNice(process.pid);
  const shared = before !== undefined && before.group === readSessionNice(instancePid)?.group;
  // A session that is lower already stays so.
  const session = before !== undefined && !shared && wanted.nice !== undefined && wanted.nice > before.nice;
  const refused = await prioritiseTree(process.pid, wanted, { clock, session });
  if (refused.length > 0) warn(`the command could not be given all of its priority: ${refused.join('; ')}`);
  if (shared && (wanted.nice ?? 0) > 0) warn(SHARED_SESSION);
  if (!session) return () => Promise.resolve();
  return async () => void (await setSessionNice(process.pid, before.nice, clock));
}

const SHARED_SESSION =
  'the instance runs in this same session, and this kernel weighs whole sessions (autogroup): the nice of the command ' +
  'counts against the instance alone, not against its workers. Start the instance or the job elsewhere (setsid, another terminal).';

/** Who started us with a higher nice meant it. Below zero it takes privileges anyway, and then it is meant as it is. */
function withNiceKept(priority: Priority): Priority {
  const { nice } = priority;
  return nice === undefined || nice < 0 ? priority : { ...priority, nice: Math.max(nice, getPriority()) };
}
