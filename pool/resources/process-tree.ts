// A process with everything that it started, from /proc. Walks from parent to child: looking at every process of the
// machine costs 20 ms where there are 500, and would stall the proxy's event loop for as long.
import { readdirSync, readFileSync } from 'node:fs';
import { parseStat } from '../process-table.js';

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
  const total = (pick: (member: Member) => number) => members.reduce((sum, member) => sum + pick(member), 0);
  return {
    pids: members.map(({ pid }) => pid),
    cpuTicks: total(({ cpuTicks }) => cpuTicks),
    residentBytes: total(({ residentBytes }) => residentBytes),
    peakResidentBytes: total(({ peakResidentBytes }) => peakResidentBytes),
    threads: total(({ threads }) => threads),
  };
}

interface Member {
  readonly pid: number;
  readonly cpuTicks: number;
  readonly residentBytes: number;
  readonly peakResidentBytes: number;
  readonly threads: number;
}

/** The root first; each process once, even when the kernel reuses a pid while we walk. */
function collect(root: number): Member[] {
  const seen = new Set<number>();
  const members: Member[] = [];
  const waiting = [root];
  for (let pid = waiting.pop(); pid !== undefined; pid = waiting.pop()) {
    if (seen.has(pid)) continue;
    seen.add(pid);
    const member = readMember(pid);
    if (member === undefined) continue;
    members.push(member);
    waiting.push(...childrenOf(pid));
  }
  return members;
}

function readMember(pid: number): Member | undefined {
  const stat = tryRead(`/proc/${pid}/stat`);
  const facts = stat === undefined ? undefined : parseStat(stat);
  if (facts === undefined || facts.state === 'Z') return undefined;
  const status = tryRead(`/proc/${pid}/status`) ?? '';
  return {
    pid,
    cpuTicks: facts.cpuTicks,
    residentBytes: facts.residentBytes,
    peakResidentBytes: Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) * 1024,
    threads: Number(/^Threads:\s+(\d+)/m.exec(status)?.[1] ?? 0),
  };
}

/** Each thread lists those that it started itself (proc_pid_task_tid_children(5)). */
function childrenOf(pid: number): number[] {
  return threadsOf(pid).flatMap((thread) => {
    const list = tryRead(`/proc/${pid}/task/${thread}/children`)?.trim() ?? '';
    return list === '' ? [] : list.split(' ').map(Number);
  });
}

/** Whether any process of a group is left. */
export function isGroupAlive(group: number): boolean {
  try {
    process.kill(-group, 0);
    return true;
  } catch {
    return false;
  }
}

export function threadsOf(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).map(Number);
  } catch {
    return [];
  }
}

/** Processes end while we read. */
function tryRead(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return undefined;
  }
}
