// What each running worker holds in memory now, by id. Those that somebody else runs are not ours to measure.

import { readGroupMemory, type PoolView } from '../pool/index.js';

export function measureWorkers({ backends }: PoolView): ReadonlyMap<string, number> {
  const workers = backends.flatMap((backend) => backend.workers);
  return new Map(
    workers.flatMap(({ id, pid }): [string, number][] => {
      const bytes = pid === undefined ? undefined : readGroupMemory(pid);
      return bytes === undefined ? [] : [[id, bytes]];
    }),
  );
}
