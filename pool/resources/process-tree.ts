// A process with everything that it started, from /proc. Walks from parent to child: looking at every process of the
// machine costs 20 ms where there are 500, and would stall the proxy's event loop for as long.
import { threadsOf } from '../../src/core/threads.js';
import { tryReadProcFile } from '../proc-file.js';
import { hasEnded, type ProcessFacts } from '../../src/core/process-stat.js';
import { readProcess } from '../process-table.js';
import type { Vitals } from '../worker-runtime.js';
import { total } from './total.js';

export interface TreeFacts {
  readonly pids: readonly number[];
  readonly cpuTicks: number;
  readonly residentBytes: number;
  readonly peakResidentBytes: number;
  readonly threads: number;
}

/** Undefined once the root is gone, or where there is no /proc. */
export function readTree(root: number): TreeFacts | undefined {
  const members = collect(root);
  if (members.length === 0) return undefined;
  const statuses = members.map(({ pid }) => readStatus(pid));
  return {
    pids: members.map(({ pid }) => pid),
    cpuTicks: total(members, ({ cpuTicks }) => cpuTicks),
    residentBytes: total(members, ({ residentBytes }) => residentBytes),
    peakResidentBytes: total(statuses, ({ peakResidentBytes }) => peakResidentBytes),
    threads: total(statuses, ({ threads }) => threads),
  };
}

/** The root first; none once it is gone. */
export function readTreePids(root: number): readonly number[] {
  return collect(root).map(({ pid }) => pid);
}

/** What the tree burns; undefined once the root is gone. */
export function readTreeVitals(root: number): Vitals | undefined {
  const members = collect(root);
  if (members[0] === undefined) return undefined;
  return {
    cpuTicks: total(members, ({ cpuTicks }) => cpuTicks),
    residentBytes: total(members, ({ residentBytes }) => residentBytes),
    stopped: members[0].state === 'T',
    runnable: members.some(({ state }) => state === 'R' || state === 'D'),
  };
}

/** The root first; each process once, even when the kernel reuses a pid while we walk. */
function collect(root: number): ProcessFacts[] {
  const seen = new Set<number>();
  const members: ProcessFacts[] = [];
  const waiting = [root];
  for (let pid = waiting.pop(); pid !== undefined; pid = waiting.pop()) {
    if (seen.has(pid)) continue;
    seen.add(pid);
    const member = readProcess(pid);
    if (member === undefined || hasEnded(member)) continue;
    members.push(member);
    waiting.push(...childrenOf(pid));
  }
  return members;
}

function readStatus(pid: number): { readonly peakResidentBytes: number; readonly threads: number } {
  const status = tryReadProcFile(`/proc/${pid}/status`) ?? '';
  return {
    peakResidentBytes: Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) * 1024,
    threads: Number(/^Threads:\s+(\d+)/m.exec(status)?.[1] ?? 0),
  };
}

/** Each thread lists those that it started itself (proc_pid_task_tid_children(5)). */
export function childrenOf(pid: number): number[] {
  return threadsOf(pid).flatMap((thread) => {
    const list = tryReadProcFile(`/proc/${pid}/task/${thread}/children`)?.trim() ?? '';
    return list === '' ? [] : list.split(' ').map(Number);
  });
}
