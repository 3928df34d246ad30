// Groups of processes that share CPU time by weight, as cgroup v2 has them (the kernel's cgroup-v2): each is a folder. What
// the pool's workers and the command of `validate` have in common.
import { appendFileSync, existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { errorCode } from './errors.js';

export interface CgroupPlaces {
  /** Where cgroup v2 is mounted. */
  readonly mount: string;
  /** What tells the group of a process. */
  readonly proc: string;
}

export const systemCgroups: CgroupPlaces = { mount: '/sys/fs/cgroup', proc: '/proc' };

/**
 * Where Understudy itself is, within the group that was delegated to it: one that shares out its CPU time may have no
 * process of its own. `DelegateSubgroup=` of a unit has to say the same.
 */
export const OWN_GROUP = 'understudy-main';

/** What an operator has to set up, in words. */
export const DELEGATED_UNIT = `a unit of its own with 'Delegate=cpu memory' and DelegateSubgroup=${OWN_GROUP}`;

/** What a group has by itself. */
export const USUAL_WEIGHT = 100;

/** The folder of the group of a process; undefined where there is no cgroup v2, or where we can't see it. */
export function cgroupOf(pid: number | 'self', { mount, proc }: CgroupPlaces): string | undefined {
  // Systems with both versions have the second one elsewhere, and without the controllers that the first one has.
  if (!existsSync(join(mount, 'cgroup.controllers'))) return undefined;
  const path = /^0::(\/.*)$/m.exec(tryRead(join(proc, String(pid), 'cgroup')))?.[1];
  return path === undefined || path.startsWith('/..') ? undefined : join(mount, path);
}

/** Makes the group where there is none. @throws a system error. */
export function giveWeight(folder: string, weight: number): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'cpu.weight'), String(weight));
}

/** With all its threads, and what it starts from then on; a process that is gone is none to move. @throws a system error. */
export function joinGroup(folder: string, pid: number): void {
  try {
    appendFileSync(join(folder, 'cgroup.procs'), `${pid}\n`);
  } catch (error) {
    if (errorCode(error) !== 'ESRCH') throw error;
  }
}

/** The kernel takes a folder away only when no process is in it. */
export function removeEmptyGroup(folder: string): void {
  try {
    rmdirSync(folder);
  } catch {
    // It is in use.
  }
}

/** Nothing of a file that is not there. */
export function tryRead(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}
