// A cgroup for each worker, inside the one that was delegated to us (systemd: Delegate=): a weight for its CPU time, and
// a way to take its memory back. Takes what is ours and nothing else: a group in which anybody else is stays as it is.
import { appendFileSync, existsSync, mkdirSync, readdirSync } from 'node:fs';
import { appendFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import {
  cgroupOf,
  DELEGATED_UNIT,
  giveWeight,
  joinGroup,
  OWN_GROUP,
  removeEmptyGroup,
  systemCgroups,
  tryRead,
  type CgroupPlaces,
} from '../../src/core/cgroup.js';
import { errorCode } from '../../src/core/errors.js';
import type { PushedOut } from '../worker-runtime.js';
import { readTreePids } from './process-tree.js';

/** What is asked for at once: a promotion must not find more than this under way. */
const PUSH_STEP_BYTES = 32 * 1024 ** 2;

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

  /** Of a worker that has its group. Off the event loop: the kernel takes its time for each step. */
  async pushOut(root: number, isWanted: () => boolean): Promise<PushedOut> {
    const delegation = this.#take();
    if ('refused' in delegation) return delegation;
    const folder = join(delegation.folder, `worker-${root}`);
    if (!existsSync(folder)) return { refused: 'it has no cgroup of its own' };
    const beforeBytes = memoryOf(folder);
    if (beforeBytes === undefined) return { refused: `${folder} has no memory controller (Delegate=cpu memory)` };
    for (let left = beforeBytes; left > 0 && isWanted(); left -= PUSH_STEP_BYTES) {
      const code = await reclaim(folder, Math.min(left, PUSH_STEP_BYTES));
      // The kernel found less than that: the rest is in use, or there is no swap for it.
      if (code === 'EAGAIN') break;
      if (code !== undefined) return { refused: `${code} (${folder}/memory.reclaim)` };
    }
    return { beforeBytes, afterBytes: memoryOf(folder) ?? beforeBytes };
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
    if (!isInside) makeRoom(folder);
    const control = join(folder, 'cgroup.subtree_control');
    appendFileSync(control, '+cpu\n');
    if (hasController(folder, 'memory')) appendFileSync(control, '+memory\n');
    return { folder };
  } catch (error) {
    return refused(`${folder} is not ours to divide (${errorCode(error) ?? 'unknown'})`);
  }
}

function findObstacle(folder: string): string | undefined {
  // The root alone has no type: its processes are the system's.
  if (!existsSync(join(folder, 'cgroup.type'))) return `${folder} is the root of all cgroups`;
  if (!hasController(folder, 'cpu')) return `${folder} has no CPU controller`;
  const ours = new Set(readTreePids(process.pid));
  const stranger = processesIn(folder).find((pid) => !ours.has(pid));
  return stranger === undefined ? undefined : `${folder} is shared with process ${stranger}`;
}

function hasController(folder: string, name: string): boolean {
  return tryRead(join(folder, 'cgroup.controllers')).trim().split(' ').includes(name);
}

function memoryOf(folder: string): number | undefined {
  const text = tryRead(join(folder, 'memory.current')).trim();
  return text === '' ? undefined : Number(text);
}

/** The code of what went wrong. */
async function reclaim(folder: string, bytes: number): Promise<string | undefined> {
  try {
    await appendFile(join(folder, 'memory.reclaim'), `${bytes}\n`);
    return undefined;
  } catch (error) {
    return errorCode(error) ?? 'unknown';
  }
}

function refused(why: string): Delegation {
  return { refused: `Understudy has no cgroup of its own: ${why}; it takes ${DELEGATED_UNIT}` };
}

function makeRoom(folder: string): void {
  const inner = join(folder, OWN_GROUP);
  mkdirSync(inner, { recursive: true });
  for (const pid of processesIn(folder)) joinGroup(inner, pid);
}

function processesIn(folder: string): number[] {
  return tryRead(join(folder, 'cgroup.procs')).split('\n').filter(Boolean).map(Number);
}

/** What is started while we move the others is moved in the next round. */
function moveTree(root: number, folder: string): void {
  const moved = new Set<number>();
  const rest = () => readTreePids(root).filter((pid) => !moved.has(pid));
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
