// Whether the weights that the config speaks of can be given here. Says nothing when it speaks of none.

import { basename, dirname, join } from 'node:path';
import type { Config } from '../config/config.js';
import { cgroupOf, OWN_GROUP, tryRead, type CgroupPlaces } from '../core/cgroup.js';
import type { Finding } from './doctor.js';

export interface WeightCheckDeps {
  readonly places: CgroupPlaces;
  /** Of the running instance, if there is one. */
  readonly instancePid?: number;
}

export function checkWeights({ modes }: Pick<Config, 'modes'>, { places, instancePid }: WeightCheckDeps): Finding[] {
  const isAsked = Object.values(modes).some((mode) => (mode.priority.weight ?? mode.job.weight) !== undefined);
  if (!isAsked) return [];
  if (!/\bcpu\b/.test(tryRead(join(places.mount, 'cgroup.controllers')))) {
    return [{ level: 'warn', text: `weights have no effect: there is no cgroup v2 with the CPU at ${places.mount}` }];
  }
  const needs = `a unit of its own with Delegate=cpu and DelegateSubgroup=${OWN_GROUP}`;
  if (instancePid === undefined)
    return [{ level: 'ok', text: `weights have an effect where the instance is ${needs}` }];
  const group = cgroupOf(instancePid, places);
  if (group === undefined || basename(group) !== OWN_GROUP) {
    return [
      { level: 'warn', text: `weights have no effect: the instance has no cgroup of its own; it takes ${needs}` },
    ];
  }
  return [{ level: 'ok', text: `workers have weights of their own in ${dirname(group)}` }];
}
