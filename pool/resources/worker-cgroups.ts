// A cgroup for each worker, with a weight for its CPU time, inside the one that was delegated to us (systemd:
// Delegate=). Takes what is ours and nothing else: a group in which anybody else is stays as it is.
import { appendFileSync, existsSync, mkdirSync, readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import {
  cgroupOf,
  giveWeight,
  joinGroup,
  OWN_GROUP,
  removeEmptyGroup,
  systemCgroups,
  tryRead,
  type CgroupPlaces,
} from '../../src/core/cgroup.js';
import { errorCode } from '../../src/core/errors.js';
import { readTree } from './process-tree.js';

type Delegation = { readonly folder: string } | { readonly refused: string };

export class WorkerCgroups {
  readonly #places: CgroupPlaces;
  #delegation: Delegation | undefined;

  constructor(places: CgroupPlaces = systemCgroups) {
    this.#places = places;
  }

  /** Takes over what was delegated to us, at the first call. Why there is nothing, in words; undefined where there is. */
  get refused(): string | undefined {
    const delegation = this.#take();
    return 'refused' in delegation ? delegation.refused : undefined;
  }

  /** Puts a whole process tree into a group of its own. Returns what was refused, in words. */
  weigh(root: number, weight: number): string | undefined {
    const delegation = this.#take();
    if ('refused' in delegation) return delegation.refused;
    const folder = join(delegation.folder, `worker-${root}`);
    try {
      if (!existsSync(folder)) removeEmptyGroups(delegation.folder);
      giveWeight(folder, weight);
      moveTree(root, folder);
      return undefined;
    } catch (error) {
      return `weight ${weight}: ${errorCode(error) ?? 'unknown'} (${folder})`;
    }
  }

  #take(): Delegation {
    return (this.#delegation ??= takeDelegation(this.#places));
  }
}

function takeDelegation(places: CgroupPlaces): Delegation {
  const own = cgroupOf(process.pid, places);
  if (own === undefined) return refused(`there is no cgroup v2 at ${places.mount}`);
  // systemd has put us there, or an Understudy before this one did.
  const isInside = basename(own) === OWN_GROUP;
  const folder = isInside ? dirname(own) : own;
  const obstacle = findObstacle(folder);
  if (obstacle !== undefined) return refused(obstacle);
  try {
    if (!isInside) for (const pid of processesIn(own)) joinGroup(makeGroup(join(own, OWN_GROUP)), pid);
    appendFileSync(join(folder, 'cgroup.subtree_control'), '+cpu');
    return { folder };
  } catch (error) {
    return refused(`${folder} is not ours to divide (${errorCode(error) ?? 'unknown'})`);
  }
}

function findObstacle(folder: string): string | undefined {
  // The root alone has no type: its processes are the system's.
  if (!existsSync(join(folder, 'cgroup.type'))) return `${folder} is the root of all cgroups`;
  if (!/\bcpu\b/.test(tryRead(join(folder, 'cgroup.controllers')))) return `${folder} has no CPU controller`;
  const ours = new Set(readTree(process.pid)?.pids);
  const stranger = processesIn(folder).find((pid) => !ours.has(pid));
  return stranger === undefined ? undefined : `${folder} is shared with process ${stranger}`;
}

function refused(why: string): Delegation {
  const remedy = `it takes a unit of its own with Delegate=cpu and DelegateSubgroup=${OWN_GROUP}`;
  return { refused: `Understudy has no cgroup of its own: ${why}; ${remedy}` };
}

function makeGroup(folder: string): string {
  mkdirSync(folder, { recursive: true });
  return folder;
}

function processesIn(folder: string): number[] {
  return tryRead(join(folder, 'cgroup.procs')).split('\n').filter(Boolean).map(Number);
}

/** What is started while we move the others is moved in the next round. */
function moveTree(root: number, folder: string): void {
  const moved = new Set<number>();
  const rest = () => readTree(root)?.pids.filter((pid) => !moved.has(pid)) ?? [];
  for (let pids = rest(); pids.length > 0; pids = rest()) {
    for (const pid of pids) {
      joinGroup(folder, pid);
      moved.add(pid);
    }
  }
}

/** Those of workers and jobs that have ended. */
function removeEmptyGroups(folder: string): void {
  const names = readdirSync(folder).filter((name) => /^(worker|job)-\d+$/.test(name));
  for (const name of names) removeEmptyGroup(join(folder, name));
}
