// What the keys of a config say about each other. Pure: a config in, problems out.

import { isIP } from 'node:net';
import { dirname, join } from 'node:path';
import { adminSocketPath } from '../admin/locate-instance.js';
import type { BackendConfig, Config, ModeConfig } from './config.js';
import type { ConfigProblem } from './config-error.js';

/** Every contradiction, not only the first. */
export function crossCheck(config: Config): readonly ConfigProblem[] {
  return [
    ...checkNames(config.backends),
    ...checkPorts(config),
    ...checkModes(config),
    ...checkCommand(config),
    ...checkTrustedProxies(config.trustedProxies),
    ...checkProxyProtocol(config),
    ...checkSocket(config),
    ...checkRuntimeDir(config),
    ...checkAdaptiveLimit(config.adaptiveLimit),
    ...checkWedgedAfter(config),
    ...checkBackoff(config),
  ];
}

function checkNames(backends: readonly BackendConfig[]): ConfigProblem[] {
  const seen = new Set<string>();
  return backends.flatMap(({ name }, index) => {
    if (!seen.has(name)) {
      seen.add(name);
      return [];
    }
    return [{ path: `backends.${index}.name`, message: `'${name}' is there already; each backend needs its own name` }];
  });
}

function checkPorts(config: Config): ConfigProblem[] {
  const owners = new Map<number, string>();
  const problems: ConfigProblem[] = [];
  const claim = (port: number, path: string) => {
    const owner = owners.get(port);
    if (owner === undefined) owners.set(port, path);
    else if (port !== 0) problems.push({ path, message: `${port} is the port of ${owner} already` });
  };
  claim(config.front.port, 'front.port');
  claim(config.admin.port, 'admin.port');
  config.backends.forEach((backend, index) => {
    if ('port' in backend) claim(backend.port, `backends.${index}.port`);
    else problems.push(...checkUrl(backend.url, config).map((message) => ({ path: `backends.${index}.url`, message })));
  });
  return problems;
}

function checkUrl(url: string, config: Config): string[] {
  if (isOwnFront(url, config)) return [`${url} is our own front: requests would go in circles`];
  const { origin, href } = new URL(url);
  if (href === `${origin}/`) return [];
  return [`${url} says more than where the backend is: a request keeps its own path; accepted: ${origin}`];
}

const LOOPBACK_HOSTS = new Set(['127.0.0.1', 'localhost', '[::1]', '0.0.0.0']);

function isOwnFront(url: string, config: Config): boolean {
  const { hostname, port } = new URL(url);
  return (
    Number(port === '' ? 80 : port) === config.front.port &&
    (LOOPBACK_HOSTS.has(hostname) || hostname === config.front.host)
  );
}

function checkModes(config: Config): ConfigProblem[] {
  const names = Object.keys(config.modes);
  const problems = names.flatMap((name) => checkMode(config, name, config.modes[name]!));
  if (!names.includes(config.mode)) {
    problems.push({ path: 'mode', message: `there is no mode '${config.mode}'; there are: ${names.join(', ')}` });
  }
  return problems;
}

function checkMode(config: Config, name: string, mode: ModeConfig): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  const wanted = mode.active + mode.standby;
  if (wanted > config.backends.length) {
    problems.push({
      path: `modes.${name}`,
      message: `wants ${mode.active} active and ${mode.standby} standby backends, but there are ${config.backends.length}`,
    });
  }
  const capacity = processesOf(config, { from: 0, count: mode.active, each: mode.workers, elsewhere: 1 });
  if (mode.floor !== undefined && mode.floor > capacity) {
    problems.push({
      path: `modes.${name}.floor`,
      message: `is ${mode.floor}, but the mode has only ${capacity} workers in traffic; accepted: 1 to ${capacity}`,
    });
  }
  if (mode.temperature === 'asleep' && config.sleep === undefined) {
    problems.push({
      path: `modes.${name}.temperature`,
      message: "'asleep' needs the section 'sleep', with the hooks demote and promote",
    });
  }
  const active = { from: 0, count: mode.active, each: mode.workers, elsewhere: 0 };
  const standby = { from: mode.active, count: mode.standby, each: mode.standbyWorkers, elsewhere: 0 };
  const workers = processesOf(config, active) + (mode.temperature === 'cold' ? 0 : processesOf(config, standby));
  if (config.budget.workers !== undefined && workers > config.budget.workers) {
    problems.push({
      path: `modes.${name}`,
      message: `runs ${workers} workers, but budget.workers is ${config.budget.workers}`,
    });
  }
  return problems;
}

interface BackendRange {
  readonly from: number;
  readonly count: number;
  readonly each: number;
  /** What one counts that somebody else runs. */
  readonly elsewhere: number;
}

/** As the pool counts them: a server that forks by itself is one worker. */
function processesOf({ backends, program }: Config, { from, count, each, elsewhere }: BackendRange): number {
  const forks = program.kind === 'command' && program.command.some((part) => part.includes('{workers}'));
  return backends
    .slice(from, from + count)
    .reduce((sum, backend) => sum + (!('port' in backend) ? elsewhere : forks ? 1 : each), 0);
}

function checkCommand({ program, backends }: Config): ConfigProblem[] {
  const managed = backends.some((backend) => 'port' in backend);
  if (program.kind !== 'command' || !managed) return [];
  if (program.command.some((part) => part.includes('{port}'))) return [];
  return [{ path: 'command', message: 'must contain {port}: each worker listens on its own' }];
}

function checkTrustedProxies(entries: readonly string[]): ConfigProblem[] {
  return entries.flatMap((entry, index) =>
    isAddressOrNetwork(entry)
      ? []
      : [{ path: `trustedProxies.${index}`, message: `'${entry}' is no address; accepted: 10.0.0.1, 10.0.0.0/8, ::1` }],
  );
}

/** A header from anybody else is not believed, nor is a connection without one. */
function checkProxyProtocol({ front, trustedProxies }: Config): ConfigProblem[] {
  if (!front.proxyProtocol || trustedProxies.length > 0 || front.socket !== undefined) return [];
  const message =
    'is on, but trustedProxies is empty, so every connection would be closed; accepted: with the proxy in front of us named there, such as trustedProxies: [127.0.0.1] for one on this machine';
  return [{ path: 'front.proxyProtocol', message }];
}

/** unix(7): the place of the path in an address, less its end. */
const MAX_SOCKET_PATH_BYTES = 107;
/** It is bound under a name of that length first. */
const TEMPORARY_NAME_BYTES = 9;

function checkSocket({ front: { socket }, runtimeDir }: Config): ConfigProblem[] {
  if (socket === undefined) return [];
  const path = 'front.socket';
  if (socket === adminSocketPath(runtimeDir)) return [{ path, message: `${socket} is the socket of the admin API` }];
  const folderBytes = Buffer.byteLength(join(dirname(socket), '/'));
  const bytes = Math.max(Buffer.byteLength(socket), folderBytes + TEMPORARY_NAME_BYTES);
  if (bytes <= MAX_SOCKET_PATH_BYTES) return [];
  const accepted = `${MAX_SOCKET_PATH_BYTES} octets at most, ${MAX_SOCKET_PATH_BYTES - TEMPORARY_NAME_BYTES} in its folder`;
  return [{ path, message: `${socket} is too long for a Unix socket; accepted: ${accepted}` }];
}

/** A folder of ours under the system's own is short enough. */
function checkRuntimeDir({ runtimeDir }: Config): ConfigProblem[] {
  const socket = adminSocketPath(runtimeDir);
  if (Buffer.byteLength(socket) <= MAX_SOCKET_PATH_BYTES) return [];
  const accepted = `a folder whose path has ${MAX_SOCKET_PATH_BYTES - Buffer.byteLength(adminSocketPath('/'))} octets at most`;
  return [{ path: 'runtimeDir', message: `${socket} is too long for a Unix socket; accepted: ${accepted}` }];
}

function isAddressOrNetwork(entry: string): boolean {
  const [address = '', prefix, ...rest] = entry.split('/');
  const version = isIP(address);
  if (version === 0 || rest.length > 0) return false;
  return prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= (version === 4 ? 32 : 128));
}

function checkAdaptiveLimit({ lowest, initial, highest }: Config['adaptiveLimit']): ConfigProblem[] {
  if (lowest <= initial && initial <= highest) return [];
  return [
    { path: 'adaptiveLimit', message: `lowest <= initial <= highest must hold, not ${lowest}, ${initial}, ${highest}` },
  ];
}

function checkWedgedAfter({ health: { wedgedAfter = 0 }, deadlines: { firstByte } }: Config): ConfigProblem[] {
  if (wedgedAfter === 0 || firstByte === 0 || wedgedAfter < firstByte) return [];
  const message = `is never reached: a request is ended after deadlines.firstByte (${firstByte} ms); accepted: less than that, or 0s for never`;
  return [{ path: 'health.wedgedAfter', message }];
}

function checkBackoff({ restart: { initialBackoff, maxBackoff } }: Config): ConfigProblem[] {
  if (initialBackoff <= maxBackoff) return [];
  const message = `is ${initialBackoff} ms, more than restart.maxBackoff (${maxBackoff} ms)`;
  return [{ path: 'restart.initialBackoff', message }];
}
