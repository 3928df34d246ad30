// What other options would do to the backends, before anything is done. Pure.
import { launchKeyOf } from './launch-key.js';
import type { PoolOptions } from './options.js';

/** Names of backends. */
export interface PoolChange {
  readonly added: readonly string[];
  readonly removed: readonly string[];
  /** Their workers are drained and replaced, one after the other. */
  readonly replaced: readonly string[];
}

export function comparePools(before: PoolOptions, after: PoolOptions): PoolChange {
  const earlier = new Map(before.backends.map((backend) => [backend.name, backend]));
  const names = new Set(after.backends.map(({ name }) => name));
  const kept = after.backends.filter(({ name }) => earlier.has(name));
  const isReplaced = (backend: PoolOptions['backends'][number]) =>
    launchKeyOf(after, backend, 1) !== launchKeyOf(before, earlier.get(backend.name)!, 1);
  return {
    added: after.backends.filter(({ name }) => !earlier.has(name)).map(({ name }) => name),
    removed: before.backends.filter(({ name }) => !names.has(name)).map(({ name }) => name),
    replaced: kept.filter(isReplaced).map(({ name }) => name),
  };
}
