// The weight of the command of `validate`: a cgroup beside those of the workers, where theirs are. We join it, and the
// command that we start is born in it.

import { basename, dirname, join } from 'node:path';
import { cgroupOf, giveWeight, joinGroup, OWN_GROUP, removeEmptyGroup, type CgroupPlaces } from '../core/cgroup.js';
import { tryDo } from '../core/session-nice.js';

export interface JobGroupDeps {
  readonly places: CgroupPlaces;
  readonly instancePid: number;
}

/** In it, with what takes us out again; or why not, in words. */
export type JobGroup = { readonly leave: () => void } | { readonly refused: string };

export function joinJobGroup(weight: number, { places, instancePid }: JobGroupDeps): JobGroup {
  const before = cgroupOf(process.pid, places);
  const instance = cgroupOf(instancePid, places);
  if (before === undefined || instance === undefined || basename(instance) !== OWN_GROUP) {
    return { refused: `weight ${weight}: the instance has no cgroup of its own (its log says why)` };
  }
  const group = join(dirname(instance), `job-${process.pid}`);
  const code = tryDo(() => {
    giveWeight(group, weight);
    joinGroup(group, process.pid);
  });
  if (code !== undefined) {
    removeEmptyGroup(group);
    return { refused: `weight ${weight}: ${code} (from ${before} to ${group})` };
  }
  const leave = () => {
    tryDo(() => joinGroup(before, process.pid));
    removeEmptyGroup(group);
  };
  return { leave };
}
