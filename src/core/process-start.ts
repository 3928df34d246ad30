// When a process was started: a pid is given to a stranger sooner or later, the two together name one process.

import { readFileSync } from 'node:fs';

// Behind the name, which is in parentheses and may hold anything, the first field is number 3 (proc_pid_stat(5)).
const START_TICKS = 22 - 3;

/** Clock ticks from boot to its start; undefined when it is gone, or where there is no /proc. */
export function readStartTicks(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const [state, ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return state === 'Z' ? undefined : Number(fields[START_TICKS - 1]);
  } catch {
    return undefined;
  }
}
