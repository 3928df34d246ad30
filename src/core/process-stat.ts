// What Linux tells of a process in its line of /proc (proc_pid_stat(5)). Its pid is given to a stranger sooner or later;
// together with its start time it names one process for as long as the machine is up.

import { readFileSync } from 'node:fs';

export interface ProcessFacts {
  readonly pid: number;
  /** One letter: R running, S sleeping, T stopped, Z ended but not yet collected, ... */
  readonly state: string;
  readonly parent: number;
  readonly group: number;
  /** The group that its terminal's keys signal; -1 without a terminal. */
  readonly foregroundGroup: number;
  /** All of them: after a SIGKILL the first is ended (Z) at once, while another one may hang in a driver. */
  readonly threads: number;
  /** Clock ticks between boot and its start; with the pid it names one process for as long as the machine is up. */
  readonly startTicks: number;
  readonly cpuTicks: number;
  readonly residentBytes: number;
}

const PAGE_BYTES = 4096;
const STATE_BEHIND_NAME = ') '.length;

/** proc_pid_stat(5). */
export function parseStat(stat: string): ProcessFacts | undefined {
  const stateAt = stateIndex(stat);
  // Field numbers as in the manual: the state is field 3.
  const fields = stat.slice(stateAt).split(' ');
  const field = (number: number) => Number(fields[number - 3]);
  const state = fields[0];
  if (stateAt < STATE_BEHIND_NAME || state === undefined || !Number.isInteger(field(22))) return undefined;
  return {
    pid: Number.parseInt(stat, 10),
    state,
    parent: field(4),
    group: field(5),
    foregroundGroup: field(8),
    threads: field(20),
    startTicks: field(22),
    cpuTicks: field(14) + field(15),
    residentBytes: field(24) * PAGE_BYTES,
  };
}

/** It runs nothing, and holds neither memory nor ports any more; only its parent has not collected it yet. */
export function hasEnded({ state, threads }: Pick<ProcessFacts, 'state' | 'threads'>): boolean {
  return state === 'Z' && threads <= 1;
}

/** The name is in parentheses and may hold anything, parentheses included: the last one ends it. */
export function stateIndex(stat: string): number {
  return stat.lastIndexOf(')') + STATE_BEHIND_NAME;
}

/** Undefined when it is gone, or where there is no /proc. For who looks seldom. */
export function readProcessStat(pid: number, procFolder = '/proc'): ProcessFacts | undefined {
  try {
    return parseStat(readFileSync(`${procFolder}/${pid}/stat`, 'latin1'));
  } catch {
    return undefined;
  }
}
