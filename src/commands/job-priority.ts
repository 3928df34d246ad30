// The mode's priority for the command of `validate`. Our main thread takes it just before it starts the command, which
// inherits it from its first instruction on: no wrapper that could fail in the command's place, and one pid as ever.

import { getPriority, setPriority } from 'node:os';
import { execa } from 'execa';
import { systemCgroups } from '../core/cgroup.js';
import type { Clock } from '../core/clock.js';
import { ioniceFlags, type Priority } from '../core/priority.js';
import { joinJobGroup } from './job-cgroup.js';
import { readSessionNice, setSessionNice, tryDo } from '../core/session-nice.js';

export interface JobPriorityDeps {
  readonly clock: Clock;
  /** The running instance: it must not be slowed down together with the job. */
  readonly instancePid: number;
  /** What could not be done, in words. */
  readonly warn: (message: string) => void;
}

/** Never rejects. Resolves with what gives us back to our cgroup, and our session what it had; the rest stays till our end. */
export async function takeJobPriority(priority: Priority, deps: JobPriorityDeps): Promise<() => Promise<void>> {
  const { clock, instancePid, warn } = deps;
  const wanted = withNiceKept(priority);
  const before = readSessionNice(process.pid);
  const shared = before !== undefined && before.group === readSessionNice(instancePid)?.group;
  // A session that is lower already stays so.
  const session = before !== undefined && !shared && wanted.nice !== undefined && wanted.nice > before.nice;
  const group =
    wanted.weight === undefined ? undefined : joinJobGroup(wanted.weight, { places: systemCgroups, instancePid });
  const refused = [
    ...(group !== undefined && 'refused' in group ? [group.refused] : []),
    ...(await takeOurselves(wanted)),
    ...(session ? failedBy(`session nice ${wanted.nice}`, await setSessionNice(process.pid, wanted.nice, clock)) : []),
  ];
  if (refused.length > 0) warn(`the command could not be given all of its priority: ${refused.join('; ')}`);
  if (shared && (wanted.nice ?? 0) > 0) warn(SHARED_SESSION);
  return async () => {
    if (group !== undefined && 'leave' in group) group.leave();
    if (session) await setSessionNice(process.pid, before.nice, clock);
  };
}

/** What was refused, in words. */
async function takeOurselves({ nice, io, cpus }: Priority): Promise<string[]> {
  const pid = String(process.pid);
  return [
    ...(nice === undefined
      ? []
      : failedBy(
          `nice ${nice}`,
          tryDo(() => setPriority(nice)),
        )),
    ...(io === undefined ? [] : await tell('ionice', [...ioniceFlags(io), '-p', pid])),
    ...(cpus === undefined ? [] : await tell('taskset', ['-c', '-p', cpus, pid])),
  ];
}

async function tell(program: string, args: readonly string[]): Promise<string[]> {
  const { failed, stderr, shortMessage } = await execa(program, args, { reject: false, timeout: 5_000 });
  return failed ? [`${program}: ${stderr === '' ? shortMessage : stderr.split('\n')[0]}`] : [];
}

function failedBy(what: string, code: string | undefined): string[] {
  return code === undefined ? [] : [`${what}: ${code}`];
}

const SHARED_SESSION =
  'the instance runs in this same session, and this kernel weighs whole sessions (autogroup): the nice of the command ' +
  'counts against the instance alone, not against its workers. Start the instance or the job elsewhere (setsid, another terminal).';

/** Who started us with a higher nice meant it. Below zero it takes privileges anyway, and then it is meant as it is. */
function withNiceKept(priority: Priority): Priority {
  const { nice } = priority;
  return nice === undefined || nice < 0 ? priority : { ...priority, nice: Math.max(nice, getPriority()) };
}
