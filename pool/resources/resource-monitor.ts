// Samples the machine, our process trees and the GPU in a fixed rhythm, and its own cost with them. Only looks; what
// follows from a reading is decided elsewhere. In the rhythm a sample never begins before the last one is over.
import { EventEmitter } from 'node:events';
import type { Clock, Timer } from '../../src/core/clock.js';
import { errorMessage } from '../../src/core/errors.js';
import type { Logger } from '../../src/core/log.js';
import { CostMeter, SampleCost } from './cost-meter.js';
import { GpuSampler } from './gpu-sampler.js';
import { MachineMeter } from './machine-meter.js';
import type { GpuReading, ResourceReading, TreeReading } from '../../src/core/resource-reading.js';
import type { RunProgram } from './run-with-deadline.js';
import { SelfMeter } from './self-meter.js';
import { TreeMeter, type MeteredTree } from './tree-meter.js';

export interface ResourceOptions {
  readonly intervalMs: number;
  /** Whether nvidia-smi is asked at all. */
  readonly gpu: boolean;
  /** After so long a GPU query is killed. */
  readonly gpuTimeoutMs: number;
  /** What is asked about the GPU; nvidia-smi by default. */
  readonly gpuProgram?: string;
}

export const defaultResourceOptions: ResourceOptions = { intervalMs: 2_000, gpu: true, gpuTimeoutMs: 5_000 };

export interface ResourceMonitorDeps {
  readonly clock: Clock;
  readonly log: Logger;
  /** For nvidia-smi. */
  readonly run: RunProgram;
  /** The roots of our process trees; asked at each sample. */
  readonly roots: () => readonly ProcessRoot[];
}

export interface ProcessRoot {
  readonly id: string;
  readonly pid: number;
}

/** What the pool knows of the monitor. */
export interface ResourceSource {
  readonly latest: ResourceReading | undefined;
  /** Never rejects. Resolves once `latest` began after the call, the GPU's reading included. */
  refresh(): Promise<void>;
  on(event: 'sampled', listener: (reading: ResourceReading) => void): unknown;
}

export interface ResourceEvents {
  sampled: [ResourceReading];
}

export class ResourceMonitor extends EventEmitter<ResourceEvents> {
  readonly #options: ResourceOptions;
  readonly #deps: ResourceMonitorDeps;
  readonly #machine = new MachineMeter();
  readonly #trees: TreeMeter;
  readonly #self: SelfMeter;
  readonly #gpu: GpuSampler | undefined;
  readonly #cost = new CostMeter();
  #latest: ResourceReading | undefined;
  #timer: Timer | undefined;
  #running = false;
  #round = 0;

  constructor(options: ResourceOptions, deps: ResourceMonitorDeps) {
    super();
    this.#options = options;
    this.#deps = deps;
    this.#trees = new TreeMeter(deps.clock);
    this.#self = new SelfMeter(deps.clock);
    const { intervalMs, gpuTimeoutMs: timeoutMs, gpuProgram: program } = options;
    if (options.gpu) this.#gpu = new GpuSampler({ clock: deps.clock, run: deps.run, intervalMs, timeoutMs, program });
  }

  /** Undefined before the first sample. */
  get latest(): ResourceReading | undefined {
    return this.#latest;
  }

  /** Idempotent. Resolves with the first reading, in which the GPU has had its say. */
  async start(): Promise<void> {
    if (this.#running) return;
    this.#running = true;
    await this.#gpu?.start();
    if (this.#running) await this.#loop();
  }

  stop(): void {
    this.#running = false;
    this.#gpu?.stop();
    this.#timer?.cancel();
  }

  async refresh(): Promise<void> {
    if (!this.#running) return;
    await this.#gpu?.askAnew();
    if (this.#running) await this.#loop();
  }

  async #loop(): Promise<void> {
    const round = ++this.#round;
    this.#timer?.cancel();
    try {
      await this.sample();
    } catch (error) {
      this.#deps.log.warn({ error: errorMessage(error) }, 'the resources could not be sampled');
    }
    // Where a newer round has begun meanwhile, it is the one that goes on.
    if (!this.#running || round !== this.#round) return;
    this.#timer = this.#deps.clock.startTimer(this.#options.intervalMs, () => void this.#loop(), { unref: true });
  }

  /** One look at everything, right now. The GPU's reading is its last one. */
  async sample(): Promise<ResourceReading> {
    const { clock, roots } = this.#deps;
    const cost = new SampleCost();
    const rest = () => cost.rest();
    const machine = await this.#machine.read(rest);
    const trees = roots();
    const metered = await this.#trees.read(
      trees.map(({ pid }) => pid),
      rest,
    );
    const gpu = this.#gpu?.reading ?? { state: 'off', reason: 'switched off in the config' };
    const cpuMs = this.#cost.note(cost.end());
    this.#latest = {
      at: clock.epochNow(),
      machine,
      workers: trees.flatMap(({ id, pid }) => toTreeReading({ id, pid }, metered.get(pid), gpu)),
      self: this.#self.read(),
      gpu,
      cost: {
        cpuMs,
        gpuQueryMs: this.#gpu?.queryMs,
        coreShare: cpuMs / this.#options.intervalMs + (this.#gpu?.coreShare ?? 0),
      },
    };
    this.emit('sampled', this.#latest);
    return this.#latest;
  }
}

function toTreeReading(root: ProcessRoot, tree: MeteredTree | undefined, gpu: GpuReading): TreeReading[] {
  if (tree === undefined) return [];
  const { cores, residentBytes, peakResidentBytes, threads, pids } = tree;
  const gpuMemoryBytes = gpuMemoryOf(pids, gpu);
  return [
    {
      ...root,
      cores,
      processes: pids.length,
      residentBytes,
      peakResidentBytes,
      threads,
      ...(gpuMemoryBytes === undefined ? {} : { gpuMemoryBytes }),
    },
  ];
}

function gpuMemoryOf(pids: readonly number[], gpu: GpuReading): number | undefined {
  if (gpu.state !== 'seen') return undefined;
  const own = gpu.devices.flatMap(({ processes }) => processes).filter(({ pid }) => pids.includes(pid));
  return own.reduce((sum, { memoryBytes }) => sum + (memoryBytes ?? 0), 0);
}
