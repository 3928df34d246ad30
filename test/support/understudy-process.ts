// A real `understudy run` as a child process on free ports with a runtime folder of its own, and commands against it.

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { AdminClient } from '../../src/admin/admin-client.js';
import type { StatusView } from '../../src/admin/status-view.js';
import type { LoggedEvent } from '../../src/admin/logged-event.js';
import { ChildOutput } from './child-output.js';
import { freePorts } from './free-port.js';

/** Jest runs from the repository's root, under which the build lies. */
export const CLI_PATH = join(process.cwd(), 'dist', 'src', 'cli.js');

export interface UnderstudySetup {
  /** Config keys over the test's defaults; JSON is YAML. */
  readonly config?: Readonly<Record<string, unknown>>;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly backendCount?: number;
  /** Of the command line; `run` by default, and none for a flag that starts an instance by itself. */
  readonly verb?: readonly string[];
}

export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const BACKEND_NAMES = ['primary', 'secondary', 'fallback', 'fourth', 'fifth'];

export class UnderstudyProcess {
  readonly folder = mkdtempSync(join(tmpdir(), 'understudy-test-'));
  readonly configPath = join(this.folder, 'understudy.yaml');
  readonly runtimeDir = join(this.folder, 'runtime');
  readonly admin = new AdminClient({ socketPath: join(this.runtimeDir, 'admin.sock') });
  frontPort = 0;
  adminPort = 0;
  backendPorts: readonly number[] = [];
  #child: ChildProcess | undefined;
  #output: ChildOutput | undefined;
  #exited: Promise<unknown> | undefined;

  /** Chooses ports and writes the config; starts nothing. */
  static async prepare(setup: UnderstudySetup = {}): Promise<UnderstudyProcess> {
    const instance = new UnderstudyProcess();
    const [frontPort, adminPort, ...backendPorts] = await freePorts(2 + (setup.backendCount ?? 3));
    instance.frontPort = frontPort!;
    instance.adminPort = adminPort!;
    instance.backendPorts = backendPorts;
    const { front, ...given } = setup.config ?? {};
    const config = {
      front: { host: '127.0.0.1', port: frontPort, ...(front as object | undefined) },
      admin: { host: '127.0.0.1', port: adminPort },
      backends: backendPorts.map((port, index) => ({ name: BACKEND_NAMES[index], port })),
      runtimeDir: instance.runtimeDir,
      ...given,
    };
    writeFileSync(instance.configPath, JSON.stringify(config, null, 2));
    return instance;
  }

  /** Prepares, starts, and returns once the instance says that it is ready. */
  static async start(setup: UnderstudySetup = {}): Promise<UnderstudyProcess> {
    const instance = await UnderstudyProcess.prepare(setup);
    instance.launch(setup);
    await instance.waitForOutput(/ready/);
    return instance;
  }

  get stdout(): string {
    return this.#output?.stdout ?? '';
  }

  get stderr(): string {
    return this.#output?.stderr ?? '';
  }

  get pid(): number {
    return this.#child!.pid!;
  }

  get url(): string {
    return `http://127.0.0.1:${this.frontPort}`;
  }

  launch(setup: UnderstudySetup = {}): void {
    const child = spawn(CLI_PATH, [...(setup.verb ?? ['run']), '--config', this.configPath, ...(setup.args ?? [])], {
      env: { ...process.env, ...setup.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#output = new ChildOutput(child);
    this.#child = child;
    this.#exited = once(child, 'close');
  }

  /** Resolves when either output has matched; rejects with what it said when it ends before, or is late. */
  waitForOutput(pattern: RegExp): Promise<void> {
    return this.#output!.waitFor(pattern);
  }

  /** The exit code, once the process is gone and its output is whole. */
  async waitForExit(): Promise<number | null> {
    await this.#exited;
    return this.#child!.exitCode;
  }

  signal(name: NodeJS.Signals): void {
    this.#child!.kill(name);
  }

  status(): Promise<StatusView> {
    return this.admin.status();
  }

  /** Pids of the workers in a state, or of all with a process. */
  async workerPids(state?: string): Promise<readonly number[]> {
    const { backends } = await this.status();
    return backends
      .flatMap((backend) => backend.workers)
      .filter((worker) => worker.pid !== null && (state === undefined || worker.state === state))
      .map((worker) => worker.pid!);
  }

  /** Runs one CLI command against this instance. */
  command(...args: readonly string[]): Promise<Finished> {
    return runCli([...args.slice(0, 1), '--config', this.configPath, ...args.slice(1)]);
  }

  /** Resolves with the first event (past ones included) that the predicate accepts. */
  async waitForEvent(accepts: (event: LoggedEvent) => boolean, since = 0): Promise<LoggedEvent> {
    const found = new AbortController();
    for await (const event of this.admin.events(`/v1/events?since=${since}`, found.signal)) {
      if (!accepts(event as LoggedEvent)) continue;
      found.abort();
      return event as LoggedEvent;
    }
    throw new Error('the event stream ended');
  }

  /** Resolves once a status satisfies the predicate; looks again at each event. */
  async waitForStatus(accepts: (status: StatusView) => boolean): Promise<StatusView> {
    const found = new AbortController();
    const events = this.admin.events('/v1/events?since=0', found.signal);
    try {
      for await (const _event of events) {
        const status = await this.status();
        if (accepts(status)) return status;
      }
    } finally {
      found.abort();
    }
    throw new Error('the event stream ended');
  }

  /** Like waitForStatus, for what no event tells of: looks again and again. */
  async waitForStatusChange(accepts: (status: StatusView) => boolean): Promise<StatusView> {
    for (;;) {
      const status = await this.status();
      if (accepts(status)) return status;
    }
  }

  /** Resolves once whoever ran in this folder has given it up, which is the last thing that an instance does. */
  async waitForRelease(): Promise<void> {
    while (existsSync(join(this.runtimeDir, 'understudy.pid'))) await setImmediate();
  }

  /** Stops it (again is fine) and removes its folder. */
  async dispose(): Promise<void> {
    if (this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null) {
      this.signal('SIGTERM');
      await this.#exited;
    }
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Runs the CLI once to its end. */
export async function runCli(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Finished> {
  const child = spawn(process.execPath, [CLI_PATH, ...args], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  await once(child, 'close');
  return { code: child.exitCode, stdout, stderr };
}

/** The one-letter process state from /proc (R, S, T, Z, ...), or undefined when the process is gone. */
export function processState(pid: number): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'latin1').replace(/^.*\) /s, '')[0];
  } catch {
    return undefined;
  }
}
