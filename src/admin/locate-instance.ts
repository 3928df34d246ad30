// Finds the running instance a command should talk to: by its TCP admin port when given, else by the Unix socket in
// the runtime folder that the config (or the default) names.

import { lstatSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { request } from 'undici';
import { operatorError, type UnderstudyError } from '../core/errors.js';
import { AdminClient } from './admin-client.js';
import type { StatusView } from './status-view.js';

export const ADMIN_SOCKET_NAME = 'admin.sock';

/** The Unix socket of an instance with this runtime folder. */
export function adminSocketPath(runtimeDir: string): string {
  return join(runtimeDir, ADMIN_SOCKET_NAME);
}

export interface InstanceHint {
  /** TCP admin port on loopback; wins over the folder. */
  readonly adminPort?: number;
  /**
   * Where its folder may be, the likeliest place first. Asked only without an admin port: whoever names one can do without a
   * config that is right.
   */
  runtimeDirs(): readonly string[];
}

/** @throws UnderstudyError `no-instance` when an admin port is given and no instance answers there. */
export async function locateInstance(hint: InstanceHint): Promise<AdminClient> {
  if (hint.adminPort === undefined) return new AdminClient({ socketPath: await socketIn(hint.runtimeDirs()) });
  return new AdminClient({ socketPath: await socketBehindPort(hint.adminPort) });
}

/** The first that somebody listens on; the likeliest place's where nobody does. Others may make folders in some of these places, too. */
export async function socketIn(runtimeDirs: readonly string[]): Promise<string> {
  const [likeliest = '', ...others] = runtimeDirs;
  const places = [likeliest, ...others.filter(isOurs)].map(adminSocketPath);
  if (places.length > 1) for (const path of places) if (await isListenedOn(path)) return path;
  return adminSocketPath(likeliest);
}

function isListenedOn(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path, () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

function isOurs(folder: string): boolean {
  return lstatSync(folder, { throwIfNoEntry: false })?.uid === process.getuid?.();
}

async function socketBehindPort(port: number): Promise<string> {
  try {
    const { statusCode, body } = await request(`http://127.0.0.1:${port}/v1/status`, { headersTimeout: 2_000 });
    const status = (await body.json()) as Partial<StatusView>;
    if (statusCode === 200 && status.instance !== undefined) return status.instance.adminSocket;
  } catch (cause) {
    throw noInstanceOn(port, cause);
  }
  throw noInstanceOn(port, undefined);
}

function noInstanceOn(port: number, cause: unknown): UnderstudyError {
  return operatorError(
    'no-instance',
    `no running instance: no Understudy admin API answers on 127.0.0.1:${port}.`,
    cause,
  );
}
