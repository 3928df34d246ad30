// The older generations of a log file: `name.1` is the newest of them, `name.<keep>` the oldest.

import { existsSync, renameSync, rmSync } from 'node:fs';

export interface RotationOptions {
  /** A file above this is rotated. */
  readonly maxBytes: number;
  /** Older generations to keep, at least one. */
  readonly keep: number;
}

/** Makes room for a new `.1`; returns its path. The oldest generation goes. */
export function shiftGenerations(path: string, keep: number): string {
  rmSync(`${path}.${keep}`, { force: true });
  for (let generation = keep - 1; generation >= 1; generation -= 1) {
    const older = `${path}.${generation}`;
    if (existsSync(older)) renameSync(older, `${path}.${generation + 1}`);
  }
  return `${path}.1`;
}
