import { readdirSync } from 'node:fs';

/** Numbers of a process's threads; none once it is gone, or where there is no /proc. */
export function threadsOf(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).map(Number);
  } catch {
    return [];
  }
}
