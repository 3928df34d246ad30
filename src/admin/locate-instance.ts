// Finds the running instance a command should talk to: by its TCP admin port when given, else by the Unix socket in
// the runtime folder that the config (or the default) names.

import { lstatSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { request } from 'undici';
import { errorCode, operatorError, type UnderstudyError } from '../core/errors.js';
import { AdminClient, ANSWER_PATIENCE_MS, noAnswer } from './admin-client.js';
import { hostInUrl } from './status-text.js';
import type { StatusView } from './status-view.js';

export const ADMIN_SOCKET_NAME = 'admin.sock';

/** The Unix socket of an instance with this runtime folder. */
export function adminSocketPath(runtimeDir: string): string {
  return join(runtimeDir, ADMIN_SOCKET_NAME);
}

export interface InstanceHint {
  /** TCP admin port on loopback; wins over the folder. */
  readonly adminPort?: number;
  /** Where the config has the admin API; asked only where nothing answers on loopback. Undefined without a config that is right. */
  readonly adminHost?: () => string | undefined;
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
 * somebody listens and is silent, `socket-gone` where one runs that has lost its socket.
 */
export async function locateInstance(hint: InstanceHint): Promise<AdminClient> {
  const { adminPort, patienceMs = ANSWER_PATIENCE_MS } = hint;
  if (adminPort === undefined) return new AdminClient({ socketPath: await socketIn(hint.runtimeDirs()) });
  return new AdminClient({ socketPath: await socketBehindPort(adminPort, hint.adminHost, patienceMs) });
}

/** The first that somebody listens on; the likeliest place's where nobody does. Others may make folders in some of these places, too. */
export async function socketIn(runtimeDirs: readonly string[]): Promise<string> {
  const [likeliest = '', ...others] = runtimeDirs;
  const places = [likeliest, ...others.filter(isOurs)].map(adminSocketPath);
  if (places.length > 1) for (const path of places) if (await isListenedOn(path)) return path;
  return adminSocketPath(likeliest);
}

async function isListenedOn(path: string): Promise<boolean> {
  return (await connectError(path)) === undefined;
}

/** Its code; undefined when somebody listens. */
function connectError(path: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect(path, () => {
      socket.destroy();
      resolve(undefined);
    });
    socket.once('error', (error) => resolve(errorCode(error)));
  });
}

function isOurs(folder: string): boolean {
  return lstatSync(folder, { throwIfNoEntry: false })?.uid === process.getuid?.();
}

async function socketBehindPort(
  port: number,
  adminHost: InstanceHint['adminHost'],
  patienceMs: number,
): Promise<string> {
  const loopback = `127.0.0.1:${port}`;
  const instance = await instanceAt(loopback, patienceMs).catch((error: unknown) => {
    const host = errorCode(error) === 'no-instance' ? adminHost?.() : undefined;
    if (host === undefined || host === '127.0.0.1') throw error;
    return instanceAt(`${hostInUrl(host)}:${port}`, patienceMs);
  });
  const { adminSocket, pid } = instance;
  // What we may not reach is there; the client says whose it is.
  if (!GONE_CODES.has((await connectError(adminSocket)) ?? '')) return adminSocket;
  throw operatorError(
    'socket-gone',
    `The instance runs (pid ${pid}), but nobody answers on its socket ${adminSocket}: somebody has removed it. It comes back within some seconds unless something is in the way, which the log of the instance says. 'kill ${pid}' stops it as 'understudy stop' would.`,
  );
}

/** Removed, or what is there is a file of somebody who has ended. */
const GONE_CODES = new Set(['ENOENT', 'ENOTDIR', 'ECONNREFUSED']);
/** A port where nobody listens refuses at once: what takes its time is there. */
const SILENCE_CODES = new Set(['UND_ERR_CONNECT_TIMEOUT', 'UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT']);

/** @throws UnderstudyError `no-instance`, also when what answers is no Understudy, or `no-answer`. */
async function instanceAt(address: string, patienceMs: number): Promise<StatusView['instance']> {
  let instance: StatusView['instance'] | undefined;
  try {
    const timeouts = { headersTimeout: patienceMs, bodyTimeout: patienceMs };
    const { statusCode, body } = await request(`http://${address}/v1/status`, timeouts);
    const status = (await body.json()) as Partial<StatusView>;
    instance = statusCode === 200 ? status.instance : undefined;
  } catch (cause) {
    if (!SILENCE_CODES.has(errorCode(cause) ?? '')) throw noInstanceOn(address, cause);
    throw noAnswer({ who: `Somebody listens on ${address}`, patienceMs }, cause);
  }
  if (instance === undefined) throw noInstanceOn(address, undefined);
  return instance;
}

function noInstanceOn(address: string, cause: unknown): UnderstudyError {
  return operatorError('no-instance', `no running instance: no Understudy admin API answers on ${address}.`, cause);
}
