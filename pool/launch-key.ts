// What a worker's process is made of, as one string to compare: when the options make another one of it, the process
// must be replaced; everything else changes while it runs. Pure.
import { createHash } from 'node:crypto';
import { isManaged, type BackendOptions, type PoolOptions } from './options.js';

/** Worker 1 has the backend's own port; further ones have a port of their own, which the options don't name. */
export function launchKeyOf(options: PoolOptions, backend: BackendOptions, number: number): string {
  if (!isManaged(backend)) return `url ${backend.url}`;
  const { command, cwd, env } = options;
  const port = number === 1 ? backend.port : 'any';
  const parts = JSON.stringify([command, cwd, Object.entries(env).sort(), backend.host, port]);
  // A digest, since it is kept in the state file and an environment may hold secrets.
  return createHash('sha256').update(parts).digest('base64url');
}
