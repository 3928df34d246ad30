// What a process, or a whole tree of them, has used so far, from /proc: CPU time, resident memory, descriptors.

import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';

const TICKS_PER_SECOND = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));

/** User and system time of the process, its threads included, in microseconds. */
export function cpuMicroseconds(pid: number): number {
  const fields = statFields(pid);
  return ((Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND) * 1e6;
}

export function residentKiB(pid: number): number {
  return statusKiB(pid, 'VmRSS');
}

export function openDescriptors(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

/** The process and everything below it. */
export function processTree(root: number): readonly number[] {
  const parents = new Map(livingPids().map((pid) => [pid, parentOf(pid)]));
  const tree = [root];
  // Grows while it is walked.
  for (const pid of tree) for (const [child, parent] of parents) if (parent === pid) tree.push(child);
  return tree;
}

export function treeCpuMicroseconds(root: number): number {
  return sum(processTree(root).map(cpuMicroseconds));
}

export function treeResidentKiB(root: number): number {
  return sum(processTree(root).map(residentKiB));
}

/** The most that each process has ever held since the last `resetTreePeak`, added up. */
export function treePeakResidentKiB(root: number): number {
  return sum(processTree(root).map((pid) => statusKiB(pid, 'VmHWM')));
}

/** Begins a new peak. Does nothing where the kernel does not allow it. */
export function resetTreePeak(root: number): void {
  for (const pid of processTree(root)) {
    try {
      writeFileSync(`/proc/${pid}/clear_refs`, '5');
    } catch {
      // The peak is then the one since the process began.
    }
  }
}

function livingPids(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

function parentOf(pid: number): number {
  try {
    return Number(statFields(pid)[1]);
  } catch {
    return 0; // Ended meanwhile.
  }
}

/** The fields of /proc/PID/stat from the state on: the command before may hold spaces and parentheses. */
function statFields(pid: number): string[] {
  return readFileSync(`/proc/${pid}/stat`, 'latin1')
    .replace(/^.*\) /s, '')
    .split(' ');
}

function statusKiB(pid: number, field: 'VmRSS' | 'VmHWM'): number {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1');
  return Number(new RegExp(`^${field}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? 0);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
