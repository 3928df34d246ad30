// An instance of its own for chaos: the user's config and command on free ports in a temporary folder, its workers wrapped
// so that they can be told to be faulty. A process of its own, so that the load does not share its event loop.

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import { request } from 'undici';
import { AdminClient } from '../admin/admin-client.js';
import { adminSocketPath } from '../admin/locate-instance.js';
import type { StatusView, WorkerStatus } from '../admin/status-view.js';
import type { Config } from '../config/config.js';
import { workerCommand } from '../config/worker-command.js';
import { operatorError } from '../core/errors.js';
import { freePorts } from '../core/free-ports.js';
import { faultyCommand } from './faulty-command.js';
import { parseMetrics, type MetricSample } from './metrics-reading.js';

const CLI = fileURLToPath(new URL('../cli.js', import.meta.url));
const HOST = '127.0.0.1';

export interface RehearsalOptions {
  readonly config: Config;
  readonly mode: string;
  /** Empty, and the caller's to remove. */
  readonly folder: string;
  /** Ends a start that is under way. */
  readonly signal?: AbortSignal;
}

export class RehearsalInstance {
  readonly url: string;
  readonly admin: AdminClient;
  readonly #adminPort: number;
  readonly #child: ChildProcess;
  readonly #closed: Promise<unknown>;
  readonly #endWithUs = () => void this.#child.kill('SIGTERM');

  private constructor(child: ChildProcess, place: { readonly ports: readonly number[]; readonly runtimeDir: string }) {
    const [frontPort, adminPort] = place.ports;
    this.#child = child;
    this.#closed = once(child, 'close');
    this.#adminPort = adminPort!;
    this.url = `http://${HOST}:${frontPort}`;
    this.admin = new AdminClient({ socketPath: adminSocketPath(place.runtimeDir) });
    process.once('exit', this.#endWithUs);
  }

  /** @throws UnderstudyError `chaos-start-failed` with what the instance said. */
  static async start(options: RehearsalOptions): Promise<RehearsalInstance> {
    const { config, folder } = options;
    const ports = await freePorts(2 + config.backends.length, { host: HOST });
    const configPath = join(folder, 'understudy.json');
    const runtimeDir = join(folder, 'runtime');
    writeFileSync(configPath, JSON.stringify(rehearsalConfig(options, { ports, runtimeDir })));
    // Its own process group: a Ctrl-C is ours to hear, or the load would fail while the instance stops.
    const child = spawn(process.execPath, [CLI, 'run', '--config', configPath], {
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
      env: split(process.env).rest,
    });
    const instance = new RehearsalInstance(child, { ports, runtimeDir });
    const giveUp = () => void child.kill('SIGTERM');
    options.signal?.addEventListener('abort', giveUp, { once: true });
    if (options.signal?.aborted === true) giveUp();
    await ready(child).finally(() => options.signal?.removeEventListener('abort', giveUp));
    return instance;
  }

  get pid(): number {
    return this.#child.pid!;
  }

  status(): Promise<StatusView> {
    return this.admin.status();
  }

  /** Those in traffic that are ours to break. */
  async activeWorkers(): Promise<readonly WorkerStatus[]> {
    const { backends } = await this.status();
    return backends
      .filter(({ role, port }) => role === 'active' && port !== null)
      .flatMap(({ workers }) => workers)
      .filter(({ state, pid }) => state === 'active' && pid !== null);
  }

  async setMode(mode: string, signal?: AbortSignal): Promise<void> {
    await this.admin.request({ method: 'PUT', path: '/v1/mode?wait=true', body: { mode }, signal });
  }

  async metrics(): Promise<readonly MetricSample[]> {
    const { body } = await request(`http://${HOST}:${this.#adminPort}/metrics`);
    return parseMetrics(await body.text());
  }

  /** A signal to us meanwhile makes it hurry. */
  async stop(): Promise<void> {
    for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, this.#endWithUs);
    this.#child.kill('SIGTERM');
    await this.#closed;
    for (const event of ['exit', 'SIGINT', 'SIGTERM']) process.off(event, this.#endWithUs);
  }
}

/** The user's config but for places, and for patience: what is broken on purpose, again and again, is no crash loop. */
function rehearsalConfig(
  { config, mode, folder }: RehearsalOptions,
  { ports, runtimeDir }: { readonly ports: readonly number[]; readonly runtimeDir: string },
): unknown {
  const { program: _program, cwd, ...rest } = config;
  const [frontPort, adminPort, ...backendPorts] = ports;
  return {
    ...rest,
    cwd,
    mode,
    env: { ...split(process.env).settings, ...config.env },
    command: faultyCommand(workerCommand(config), { folder, healthPath: config.health.path, avoid: ports }),
    // Its clients are ours, and come straight to it.
    front: { host: HOST, port: frontPort, proxyProtocol: false },
    admin: { host: HOST, port: adminPort },
    backends: config.backends.map((backend, index) =>
      'port' in backend ? { ...backend, host: HOST, port: backendPorts[index] } : backend,
    ),
    runtimeDir,
    logDir: join(runtimeDir, 'logs'),
    restart: { ...config.restart, maxBackoff: 500, crashLoopLimit: 1_000_000 },
    failbackAfter: Math.min(config.failbackAfter, 500),
    log: { ...config.log, level: 'error', format: 'json', access: 'off' },
  };
}

/** Beats any config: its config is whole already, and says other things on purpose. The workers still get to see it. */
const SETTING = /^OMNIMIND_/;
/** What a service manager says to us is not for it (sd_notify(3), sd_listen_fds(3)). */
const OF_SERVICE_MANAGER = /^(NOTIFY_SOCKET|WATCHDOG_|LISTEN_)/;

interface SplitEnvironment {
  readonly settings: Readonly<Record<string, string>>;
  readonly rest: Readonly<Record<string, string>>;
}

function split(env: NodeJS.ProcessEnv): SplitEnvironment {
  const entries = Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const]));
  return {
    settings: Object.fromEntries(entries.filter(([name]) => SETTING.test(name))),
    rest: Object.fromEntries(entries.filter(([name]) => !SETTING.test(name) && !OF_SERVICE_MANAGER.test(name))),
  };
}

function ready(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let output = '';
    const onData = (chunk: Buffer) => {
      output = (output + String(chunk)).slice(-4_000);
      if (output.includes('understudy is ready')) resolve();
    };
    child.stdout!.on('data', onData);
    child.stderr!.on('data', onData);
    child.once('close', () =>
      reject(operatorError('chaos-start-failed', `the instance for chaos did not start: ${output.trim()}`)),
    );
  });
}
