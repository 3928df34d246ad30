// What is different between two configs, path by path, as people would point at it. Pure.

import type { Config } from './config.js';

export interface ConfigChange {
  /** Dotted, such as `health.interval` or `backends.primary.port`. */
  readonly path: string;
  /** As JSON; undefined where the path did not exist. */
  readonly before?: string;
  /** As JSON; undefined where the path is gone. */
  readonly after?: string;
}

/** In the order of the keys, those of `before` first. */
export function diffConfigs(before: Config, after: Config): readonly ConfigChange[] {
  const [old, now] = [flatten(before), flatten(after)];
  const paths = new Set([...old.keys(), ...now.keys()]);
  return [...paths]
    .filter((path) => old.get(path) !== now.get(path))
    .map((path) => ({ path, before: old.get(path), after: now.get(path) }));
}

/** Every leaf by its path. Backends go by name, since their places say nothing but their order. */
function flatten({ backends, ...rest }: Config): ReadonlyMap<string, string> {
  const leaves = new Map<string, string>();
  collect({ ...rest, backends: Object.fromEntries(backends.map(({ name, ...facts }) => [name, facts])) }, '', leaves);
  leaves.set('backends', `${backends.map(({ name }) => name).join(', ')}`);
  return leaves;
}

function collect(value: unknown, path: string, leaves: Map<string, string>): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    if (value !== undefined) leaves.set(path, JSON.stringify(value));
    return;
  }
  for (const [key, inner] of Object.entries(value)) collect(inner, path === '' ? key : `${path}.${key}`, leaves);
}
