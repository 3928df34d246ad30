// Finds the running instance a command should talk to: by its TCP admin port when given, else by the Unix socket in
// the runtime folder that the config (or the default) names. The config may have been changed since the start, so that it
// names another folder: whoever says of itself that it was started with this very file is the one then.

import { lstatSync, readdirSync, realpathSync } from 'node:fs';
import { connect } from 'node:net';
import { dirname, join } from 'node:path';
import { request } from 'undici';
import { errorCode, operatorError, type UnderstudyError } from '../core/errors.js';
import { livingOwner } from '../instance-owner.js';
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
  /** Undefined where no file was read, or another instance than the file's may be meant. Asked after `runtimeDirs`. */
  configFile?(): ConfigFile | undefined;
  /** For the answer on the admin port; 10 s by default. */
  readonly patienceMs?: number;
}

/** What an instance may have been started with. */
export interface ConfigFile {
  readonly path: string;
  /** As it says by now. */
  readonly adminPort: number;
  /** Folders in which instances have theirs unless their config says otherwise. */
  readonly runtimeParents: readonly string[];
  /** Nobody else will do. */
  readonly required: boolean;
}

/**
 * @throws UnderstudyError when an admin port is given: `no-instance` where no instance answers there, `no-answer` where
 * somebody listens and is silent, `socket-gone` where one runs that has lost its socket; `other-config` when one that was
 * started with the config file is required, and another one is where it should be.
 */
export async function locateInstance(hint: InstanceHint): Promise<AdminClient> {
  const { adminPort, patienceMs = ANSWER_PATIENCE_MS } = hint;
  if (adminPort !== undefined)
    return new AdminClient({ socketPath: await socketBehindPort(adminPort, hint.adminHost, patienceMs) });
  const socketPath = await socketIn(hint.runtimeDirs());
  const file = hint.configFile?.();
  return new AdminClient({ socketPath: file === undefined ? socketPath : await socketOf(file, socketPath) });
}

/** `likeliest`, unless somebody else is there (or nobody), and one that was started with the file elsewhere. */
async function socketOf(file: ConfigFile, likeliest: string): Promise<string> {
  const there = await instanceAt(likeliest);
  // Who is silent, or was started without a file, says by itself what is the matter.
  if (there === 'silent' || (there !== 'nobody' && isStartedWith(there, file.path))) return likeliest;
  const elsewhere = await socketsOf(file);
  // Two by one file differ by what their command lines said: which of them is meant, nobody can know.
  if (elsewhere.length === 1) return elsewhere[0]!;
  if (there === 'nobody' || there.configPath === null || !file.required) return likeliest;
  throw otherConfig(there, file);
}

type Instance = StatusView['instance'];

/** A look costs no more than this, however silent somebody is. */
const LOOK_PATIENCE_MS = 1_000;

async function instanceAt(socketPath: string): Promise<Instance | 'nobody' | 'silent'> {
  try {
    const status: Partial<StatusView> = await new AdminClient({ socketPath, patienceMs: LOOK_PATIENCE_MS }).status();
    return status.instance ?? 'silent';
  } catch (error) {
    return errorCode(error) === 'no-instance' ? 'nobody' : 'silent';
  }
}

/** Of living instances of this user alone: by their folders, and by the admin port where the folder is another one. */
async function socketsOf({ path, adminPort, runtimeParents }: ConfigFile): Promise<string[]> {
  const folders = [...new Set(runtimeParents)].flatMap(foldersIn).filter((folder) => isOurs(folder));
  const living = folders.filter((folder) => livingOwner(folder) !== undefined).map(adminSocketPath);
  const behindPort = await instanceBehindPort(adminPort, LOOK_PATIENCE_MS).catch(() => undefined);
  const sockets = new Set(living);
  if (behindPort !== undefined && isOurs(dirname(behindPort.adminSocket))) sockets.add(behindPort.adminSocket);
  const found = await Promise.all(
    [...sockets].map(async (socket) => {
      const instance = await instanceAt(socket);
      return typeof instance === 'object' && isStartedWith(instance, path) ? [socket] : [];
    }),
  );
  return found.flat();
}

function foldersIn(parent: string): string[] {
  try {
    return readdirSync(parent)
      .filter((name) => name.startsWith('understudy-'))
      .map((name) => join(parent, name));
  } catch {
    return [];
  }
}

function isStartedWith({ configPath }: Instance, path: string): boolean {
  return configPath !== null && (configPath === path || realPath(configPath) === realPath(path));
}

function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

function otherConfig({ pid, configPath }: Instance, { path }: ConfigFile): UnderstudyError {
  return operatorError(
    'other-config',
    `no running instance was started with ${path}: the one that is where it should be (pid ${pid}) was started with ${configPath}. Say --config ${configPath}, or which instance with --admin-port.`,
  );
}

/**
 * The first that somebody listens on, else the first in a folder that somebody has, else the likeliest place's. Others may make
 * folders in some of these places, too.
 */
export async function socketIn(runtimeDirs: readonly string[]): Promise<string> {
  const [likeliest = '', ...others] = runtimeDirs;
  const places = [likeliest, ...others.filter(isOurs)].map(adminSocketPath);
  if (places.length > 1) for (const path of places) if (await isListenedOn(path)) return path;
  return places.find((path) => livingOwner(dirname(path)) !== undefined) ?? adminSocketPath(likeliest);
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
  const instance = await instanceBehindPort(port, patienceMs).catch((error: unknown) => {
    const host = errorCode(error) === 'no-instance' ? adminHost?.() : undefined;
    if (host === undefined || host === LOOPBACK) throw error;
    return instanceBehindPort(port, patienceMs, host);
  });
  const { adminSocket, pid } = instance;
  // What we may not reach is there; the client says whose it is.
  if (!GONE_CODES.has((await connectError(adminSocket)) ?? '')) return adminSocket;
  throw operatorError(
    'socket-gone',
    `The instance runs (pid ${pid}), but nobody answers on its socket ${adminSocket}: somebody has removed it. It comes back within some seconds unless something is in the way, which the log of the instance says. 'kill ${pid}' stops it as 'understudy stop' would.`,
  );
}

const LOOPBACK = '127.0.0.1';
/** Removed, or what is there is a file of somebody who has ended. */
const GONE_CODES = new Set(['ENOENT', 'ENOTDIR', 'ECONNREFUSED']);
/** A port where nobody listens refuses at once: what takes its time is there. */
const SILENCE_CODES = new Set(['UND_ERR_CONNECT_TIMEOUT', 'UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT']);

/** @throws UnderstudyError `no-instance`, also when what answers is no Understudy, or `no-answer`. */
async function instanceBehindPort(port: number, patienceMs: number, host = LOOPBACK): Promise<Instance> {
  const address = `${hostInUrl(host)}:${port}`;
  let instance: Instance | undefined;
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
