// Where a worker listens and what is run for it: from options to an address and a launch specification.
import { join } from 'node:path';
import { operatorError } from '../src/core/errors.js';
import type { UpstreamAddress } from '../src/core/traffic-port.js';
import { fillCommand } from './command-template.js';
import type { ManagedBackendOptions, PoolOptions, UnmanagedBackendOptions } from './options.js';
import type { LaunchSpec } from './worker-runtime.js';

export type WorkerMark =
  | 'UNDERSTUDY_POOL'
  | 'UNDERSTUDY_BACKEND'
  | 'UNDERSTUDY_WORKER'
  | 'UNDERSTUDY_GENERATION'
  | 'UNDERSTUDY_HOST'
  | 'UNDERSTUDY_PORT'
  /** See launch-key.ts. Workers of earlier versions lack it. */
  | 'UNDERSTUDY_KEY';

export interface LaunchFacts {
  readonly id: string;
  readonly number: number;
  readonly generation: number;
  readonly port: number;
  /** Processes, for a server that forks by itself. */
  readonly forks: number;
  /** What the mode adds to the environment. */
  readonly modeEnv: Readonly<Record<string, string>>;
  /** What the process is made of: see launch-key.ts. */
  readonly key: string;
}

export function launchSpecOf(options: PoolOptions, backend: ManagedBackendOptions, facts: LaunchFacts): LaunchSpec {
  const { id, number, generation, port, forks, modeEnv, key } = facts;
  const { host, name } = backend;
  return {
    id,
    backend: name,
    worker: number,
    generation,
    command: fillCommand(options.command, { host, port, name, worker: number, workers: forks }),
    cwd: options.cwd,
    env: {
      ...options.env,
      ...modeEnv,
      ...workerMarks(options.stateDir, { backend: name, number, generation, host, port, key }),
    },
    logFile: logFileOf(options, id),
  };
}

/**
 * What a worker is told about itself, and by which a later Understudy knows its own even when the state file is lost.
 */
export function workerMarks(
  pool: string,
  worker: {
    readonly backend: string;
    readonly number: number;
    readonly generation: number;
    readonly host: string;
    readonly port: number;
    readonly key: string;
  },
): Record<WorkerMark, string> {
  return {
    UNDERSTUDY_POOL: pool,
    UNDERSTUDY_BACKEND: worker.backend,
    UNDERSTUDY_WORKER: String(worker.number),
    UNDERSTUDY_GENERATION: String(worker.generation),
    UNDERSTUDY_HOST: worker.host,
    UNDERSTUDY_PORT: String(worker.port),
    UNDERSTUDY_KEY: worker.key,
  };
}

/** `<logDir>/<backend>-<number>.log` */
export function logFileOf(options: Pick<PoolOptions, 'logDir'>, id: string): string {
  return join(options.logDir, `${id.replace('/', '-')}.log`);
}

/** @throws UnderstudyError (operator) `bad-backend-url`. */
export function addressOfUrl({ name, url }: UnmanagedBackendOptions): UpstreamAddress {
  if (url.startsWith('unix:')) return { kind: 'unix', path: url.slice('unix:'.length) };
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed?.protocol !== 'http:') {
    throw operatorError(
      'bad-backend-url',
      `Cannot use backend ${name}: its url "${url}" is neither http://host:port nor unix:/path/to/socket.`,
    );
  }
  const host = parsed.hostname.replace(/^\[|\]$/g, '');
  return { kind: 'tcp', host, port: parsed.port === '' ? 80 : Number(parsed.port) };
}
