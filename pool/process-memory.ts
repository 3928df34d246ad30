// The memory of a worker: what its whole process group holds, pages that it shares with others counted by share. Where
// the kernel does not tell shares, resident memory is the next best.
import { tryReadProcFile } from './proc-file.js';
import { membersOf } from './process-table.js';

/** Undefined when nobody of the group is left. */
export function readGroupMemory(leader: number): number | undefined {
  const members = membersOf(leader);
  if (members.length === 0) return undefined;
  return members.reduce((total, { pid, residentBytes }) => total + (readShare(pid) ?? residentBytes), 0);
}

/** The `Pss` line of proc_pid_smaps_rollup(5), in bytes. */
function readShare(pid: number): number | undefined {
  const [, kibibytes] = /^Pss:\s+(\d+) kB$/m.exec(tryReadProcFile(`/proc/${pid}/smaps_rollup`) ?? '') ?? [];
  return kibibytes === undefined ? undefined : Number(kibibytes) * 1024;
}
