// How much memory the groups that we are in leave us: in a container, or a unit with MemoryMax=, the machine's own numbers
// say nothing. cgroup v2 alone (the kernel's cgroup-v2, memory interface files).
import { dirname, join } from 'node:path';
import { cgroupOf, systemCgroups, tryRead, type CgroupPlaces } from '../../src/core/cgroup.js';

export interface MemoryLimit {
  /** The group that has it. */
  readonly folder: string;
  readonly totalBytes: number;
  /** Without what the kernel would give back first. */
  readonly availableBytes: number;
}

/** What the kernel gives back for the asking, as it counts for MemAvailable. */
const RECLAIMABLE = ['inactive_file', 'active_file', 'slab_reclaimable'];

/** Of our group and those around it the one that leaves least; undefined where none has a limit. */
export function readMemoryLimit(places: CgroupPlaces = systemCgroups): MemoryLimit | undefined {
  const own = cgroupOf('self', places);
  let tightest: MemoryLimit | undefined;
  for (let folder = own; folder !== undefined && folder.startsWith(places.mount); folder = dirname(folder)) {
    const limit = limitOf(folder);
    if (limit !== undefined && limit.availableBytes < (tightest?.availableBytes ?? Infinity)) tightest = limit;
    if (folder === places.mount) break;
  }
  return tightest;
}

function limitOf(folder: string): MemoryLimit | undefined {
  // `max` for none.
  const totalBytes = Number(tryRead(join(folder, 'memory.max')).trim() || NaN);
  if (!Number.isFinite(totalBytes)) return undefined;
  const usedBytes = Number(tryRead(join(folder, 'memory.current')));
  const stat = tryRead(join(folder, 'memory.stat'));
  const reclaimable = RECLAIMABLE.map((name) => Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(stat)?.[1] ?? 0));
  const availableBytes = reclaimable.reduce((sum, bytes) => sum + bytes, totalBytes - usedBytes);
  return { folder, totalBytes, availableBytes: Math.max(0, availableBytes) };
}
