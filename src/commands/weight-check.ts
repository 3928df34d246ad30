// Whether workers can have the cgroups here that the config's `weight` and `pushOut` need. Says nothing without those.

import { basename, dirname, join } from 'node:path';
import type { Config } from '../config/config.js';
import { cgroupOf, DELEGATED_UNIT, OWN_GROUP, tryRead, type CgroupPlaces } from '../core/cgroup.js';
import type { Finding } from './doctor.js';

export interface WeightCheckDeps {
  readonly places: CgroupPlaces;
  /** Of the running instance, if there is one. */
  readonly instancePid?: number;
}

export function checkWeights({ modes }: Pick<Config, 'modes'>, { places, instancePid }: WeightCheckDeps): Finding[] {
  const isAsked = Object.values(modes).some(
    ({ priority, job, pushOut }) => pushOut || (priority.weight ?? job.weight) !== undefined,
  );
  if (!isAsked) return [];
  const noEffect = (why: string): Finding[] => [{ level: 'warn', text: `weight and pushOut have no effect: ${why}` }];
  if (!/\bcpu\b/.test(tryRead(join(places.mount, 'cgroup.controllers')))) {
    return noEffect(`there is no cgroup v2 with the CPU at ${places.mount}`);
  }
  if (instancePid === undefined) return [{ level: 'ok', text: `weight and pushOut take ${DELEGATED_UNIT}` }];
  const group = cgroupOf(instancePid, places);
  if (group === undefined || basename(group) !== OWN_GROUP) {
    return noEffect(`the instance has no cgroup of its own; it takes ${DELEGATED_UNIT}`);
  }
  return [{ level: 'ok', text: `workers have cgroups of their own in ${dirname(group)}` }];
}
