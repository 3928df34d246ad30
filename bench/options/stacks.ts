// The three ways to serve that the origin compares, as things that can be started, killed in part, and stopped:
// A: 3 backends of `uvicorn --workers 2` behind a plain round robin; B: Understudy in validation mode; C: A with 2 backends.

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { freePorts } from '../../src/core/free-ports.js';
import { BenchInstance, CLI } from '../support/instance.js';

export const OPTIONS_FOLDER = join(import.meta.dirname, '..', '..', '..', 'bench', 'options');

export interface Stack {
  readonly url: string;
  /** Roots of the process trees that serve: the backends, without what stands in front of them. */
  backendRoots(): Promise<readonly number[]>;
  readonly frontPid: number;
  /** SIGKILL to everything of primary and secondary at the same moment. */
  killActives(): Promise<void>;
  /** How this option runs the validation job. */
  jobCommand(job: readonly string[]): readonly string[];
  stop(): Promise<void>;
}

export interface App {
  readonly python: string;
  readonly env: Readonly<Record<string, string>>;
}

export function uvicornCommand({ python }: App, port: number | '{port}'): string[] {
  const server = [python, '-m', 'uvicorn', 'app:app', '--app-dir', OPTIONS_FOLDER, '--port', String(port)];
  return [...server, '--log-level', 'warning', '--no-access-log'];
}

/** Options A and C: as the origin's script starts them. */
export async function startScript(app: App, backends: number): Promise<Stack> {
  const [frontPort, ...ports] = await freePorts(1 + backends);
  const servers = ports.map((port) => start([...uvicornCommand(app, port), '--workers', '2'], app.env));
  const front = start([
    process.execPath,
    join(import.meta.dirname, 'round-robin.js'),
    `${frontPort}`,
    ...ports.map(String),
  ]);
  await once(front.stdout!, 'data');
  for (const port of ports) await untilHealthy(port);
  return {
    url: `http://127.0.0.1:${frontPort}/`,
    backendRoots: () => Promise.resolve(servers.map(({ pid }) => pid!)),
    frontPid: front.pid!,
    killActives: () => {
      for (const server of servers.slice(0, 2)) killGroup(server);
      return Promise.resolve();
    },
    jobCommand: (job) => job,
    stop: async () => {
      const children = [...servers, front];
      const living = children.filter((child) => child.exitCode === null && child.signalCode === null);
      const gone = living.map((child) => once(child, 'exit'));
      children.forEach(killGroup);
      await Promise.all(gone);
    },
  };
}

/** Option B. */
export async function startUnderstudy(app: App): Promise<Stack> {
  const config = { command: [...uvicornCommand(app, '{port}'), '--timeout-keep-alive', '75'], env: app.env };
  const instance = await BenchInstance.start({ config, args: ['--validation'] });
  const pidsOf = async (accepts: (role: string) => boolean) => {
    const { backends } = await instance.admin.status();
    return backends
      .filter(({ role }) => accepts(role))
      .flatMap(({ workers }) => workers.flatMap(({ pid }) => pid ?? []));
  };
  return {
    url: `${instance.url}/`,
    backendRoots: () => pidsOf(() => true),
    frontPid: instance.pid,
    killActives: async () => {
      for (const pid of await pidsOf((role) => role === 'active')) process.kill(-pid, 'SIGKILL');
    },
    jobCommand: (job) => [process.execPath, CLI, 'validate', '--config', instance.configPath, '--', ...job],
    stop: () => instance.stop(),
  };
}

/** Ends with the bench, whatever ends the bench. */
const running = new Set<ChildProcess>();
process.once('exit', () => running.forEach(killGroup));

/** In a session of its own, as from another terminal or by nohup. */
export function start(command: readonly string[], env: Readonly<Record<string, string>> = {}): ChildProcess {
  const [program, ...args] = command;
  const stdio = ['ignore', 'pipe', 'inherit'] as const;
  const child = spawn(program!, args, { detached: true, stdio: [...stdio], env: { ...process.env, ...env } });
  running.add(child);
  child.once('exit', () => running.delete(child));
  return child;
}

export function killGroup({ pid }: ChildProcess): void {
  try {
    process.kill(-pid!, 'SIGKILL');
  } catch {
    // It has ended.
  }
}

async function untilHealthy(port: number): Promise<void> {
  for (;;) {
    const response = await fetch(`http://127.0.0.1:${port}/health`).catch(() => undefined);
    if (response?.status === 200) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
