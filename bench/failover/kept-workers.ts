// The same workers for proxies that supervise nothing: restarted when they end, as an init system would.

import { faultyCommand } from '../../src/chaos/faulty-command.js';
import { fillPorts } from './fill-ports.js';
import { BenchChild, waitListening } from '../support/children.js';
import type { ActiveWorker } from './front.js';

/** As systemd does by default, and as our own first restart. */
const RESTART_PAUSE_MS = 250;

export class KeptWorkers {
  readonly #folder: string;
  readonly #command: readonly string[];
  readonly #children = new Map<number, BenchChild>();
  #stopping = false;

  constructor(command: readonly string[], folder: string) {
    this.#folder = folder;
    this.#command = command;
  }

  async start(ports: readonly number[]): Promise<void> {
    for (const port of ports) this.#launch(port);
    await this.settle();
  }

  /** In the order of the ports. */
  get workers(): readonly ActiveWorker[] {
    return [...this.#children].map(([port, { pid }]) => ({ port, pid }));
  }

  /** Every one runs and listens; stopped ones are continued. */
  async settle(): Promise<void> {
    for (const child of this.#children.values()) child.thaw();
    for (const port of this.#children.keys()) {
      while (this.#children.get(port)!.ended) await new Promise((resolve) => setTimeout(resolve, 20));
      await waitListening(this.#children.get(port)!, port);
    }
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    await Promise.all([...this.#children.values()].map((child) => child.stop()));
  }

  #launch(port: number): void {
    const command = fillPorts(faultyCommand(this.#command, { folder: this.#folder, healthPath: '/health' }), port);
    const child = new BenchChild(command);
    this.#children.set(port, child);
    child.child.once('exit', () => {
      if (!this.#stopping) setTimeout(() => !this.#stopping && this.#launch(port), RESTART_PAUSE_MS);
    });
  }
}
