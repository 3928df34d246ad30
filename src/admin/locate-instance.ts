// Finds the running instance a command should talk to: by its TCP admin port when given, else by the Unix socket in
// the runtime folder that the config (or the default) names.

import { lstatSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { request } from 'undici';
import { errorCode, operatorError, type UnderstudyError } from '../core/errors.js';
import { AdminClient, ANSWER_PATIENCE_MS, noAnswer } from './admin-client.js';
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
  /** For the answer on the admin port; 10 s by default. */
  readonly patienceMs?: number;
}

/**
 * @throws UnderstudyError when an admin port is given: `no-instance` where no instance answers there, `no-answer` where
 * somebody listens and is silent.
 */
export async function locateInstance(hint: InstanceHint): Promise<AdminClient> {
  const { adminPort, patienceMs = ANSWER_PATIENCE_MS } = hint;
  if (adminPort === undefined) return new AdminClient({ socketPath: await socketIn(hint.runtimeDirs()) });
  return new AdminClient({ socketPath: await socketBehindPort(adminPort, patienceMs) });
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

/** A port where nobody listens refuses at once: what takes its time is there. */
const SILENCE_CODES = new Set(['UND_ERR_CONNECT_TIMEOUT', 'UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT']);

async function socketBehindPort(port: number, patienceMs: number): Promise<string> {
  try {
    const timeouts = { headersTimeout: patienceMs, bodyTimeout: patienceMs };
    const { statusCode, body } = await request(`http://127.0.0.1:${port}/v1/status`, timeouts);
    const status = (await body.json()) as Partial<StatusView>;
    if (statusCode === 200 && status.instance !== undefined) return status.instance.adminSocket;
  } catch (cause) {
    if (!SILENCE_CODES.has(errorCode(cause) ?? '')) throw noInstanceOn(port, cause);
    throw noAnswer({ who: `Somebody listens on 127.0.0.1:${port}`, patienceMs }, cause);
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
