// A real Understudy on free ports for a bench, and the commands it needs. Ends with the bench, whatever ends the bench.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { AdminClient } from '../../src/admin/admin-client.js';
import { freePorts } from '../../src/core/free-ports.js';
import { BenchChild, temporaryFolder, waitPrinted } from './children.js';

/** Started as the program that it is, which gives Node its flags. */
export const CLI = join(import.meta.dirname, '..', '..', 'src', 'cli.js');
const BACKEND_NAMES = ['primary', 'secondary', 'fallback'];

export interface InstanceSetup {
  readonly config?: Readonly<Record<string, unknown>>;
  readonly args?: readonly string[];
  /** Runs the proxy on these CPUs only, as for `taskset -c`. */
  readonly pinTo?: string;
}

export class BenchInstance {
  readonly admin: AdminClient;
  readonly url: string;
  readonly port: number;
  readonly backendPorts: readonly number[];
  readonly adminPort: number;
  readonly configPath: string;
  readonly #child: BenchChild;

  private constructor(parts: { folder: string; ports: readonly number[]; child: BenchChild }) {
    const [front, admin, ...backendPorts] = parts.ports;
    this.adminPort = admin!;
    this.configPath = configPathIn(parts.folder);
    this.#child = parts.child;
    this.port = front!;
    this.backendPorts = backendPorts;
    this.url = `http://127.0.0.1:${front}`;
    this.admin = new AdminClient({ socketPath: join(parts.folder, 'runtime', 'admin.sock') });
  }

  get pid(): number {
    return this.#child.pid;
  }

  static async start(setup: InstanceSetup = {}): Promise<BenchInstance> {
    const folder = temporaryFolder();
    const ports = await freePorts(5);
    const configPath = configPathIn(folder);
    writeFileSync(configPath, JSON.stringify(configFor(folder, ports, setup)));
    const command = [CLI, 'run', '--config', configPath, ...(setup.args ?? [])];
    const child = new BenchChild(command, { pinTo: setup.pinTo, supervises: true });
    await waitPrinted(child, 'understudy is ready');
    return new BenchInstance({ folder, ports, child });
  }

  async setMode(mode: string): Promise<void> {
    await this.admin.request({ method: 'PUT', path: '/v1/mode?wait=true', body: { mode } });
  }

  async stop(): Promise<void> {
    await this.#child.stop();
  }
}

function configPathIn(folder: string): string {
  return join(folder, 'understudy.yaml');
}

function configFor(folder: string, ports: readonly number[], setup: InstanceSetup): unknown {
  const [front, admin, ...backends] = ports;
  return {
    front: { port: front },
    admin: { port: admin },
    backends: backends.map((port, index) => ({ name: BACKEND_NAMES[index], port })),
    runtimeDir: join(folder, 'runtime'),
    log: { level: 'warn' },
    ...setup.config,
  };
}
