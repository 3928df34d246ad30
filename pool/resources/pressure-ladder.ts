// What is done when the machine runs short of memory: one step at a time, mildest first, and back in the opposite order
// once it has been calm for long enough. No step ends a worker that serves. Pure: readings in, steps out.
import type { GpuReading, MachineReading, ResourceReading } from '../../src/core/resource-reading.js';

export const PRESSURE_ACTS = ['pause-starts', 'freeze-standby', 'sleep-standby', 'shed-batch'] as const;

export type PressureAct = (typeof PRESSURE_ACTS)[number];

export interface PressureOptions {
  /** Per cent of the last ten seconds in which nothing could go on for want of memory (the kernel's PSI, `full`). */
  readonly memoryFullPercent: number;
  /** Share of RAM that must be available. */
  readonly lowestAvailableShare: number;
  /** Share of a GPU's memory that may be used. Not looked at by default: many servers take all of it beforehand. */
  readonly gpuMemoryShare?: number | undefined;
  /** Calm for so long takes one step back. */
  readonly relaxAfterMs: number;
}

export interface PressureLook extends Pick<ResourceReading, 'machine' | 'gpu'> {
  /** By a clock that never goes backwards. */
  readonly nowMs: number;
}

export interface PressureStep {
  readonly act: PressureAct;
  /** False: it is taken back. */
  readonly begun: boolean;
  /** The numbers. */
  readonly evidence: string;
}

/** The kernel's account looks back ten seconds: a step needs time to show in it. */
const CLIMB_EVERY_MS = 4_000;
/** Calm is well below what counts as pressure, or the ladder would swing. */
const CALM = 0.5;

export class PressureLadder {
  #acts: readonly PressureAct[] = [];
  #evidence = '';
  #climbedAtMs = -Infinity;
  #calmSinceMs: number | undefined;

  /** Those in force, in the order in which they were taken. */
  get acts(): readonly PressureAct[] {
    return this.#acts;
  }

  /** What the last reading under pressure said. */
  get evidence(): string {
    return this.#evidence;
  }

  /** Takes back whatever is in force. */
  clear(): void {
    this.#acts = [];
    this.#climbedAtMs = -Infinity;
    this.#calmSinceMs = undefined;
  }

  /** @param isPossible whether an act would change anything at all; others are passed over. */
  note(
    look: PressureLook,
    options: PressureOptions,
    isPossible: (act: PressureAct) => boolean,
  ): PressureStep | undefined {
    const { nowMs } = look;
    const pressed = describePressure(look, options, 1);
    if (pressed !== undefined) {
      this.#calmSinceMs = undefined;
      this.#evidence = pressed;
      return nowMs - this.#climbedAtMs >= CLIMB_EVERY_MS ? this.#climb(nowMs, isPossible) : undefined;
    }
    if (this.#acts.length === 0) return undefined;
    if (describePressure(look, options, CALM) !== undefined) return void (this.#calmSinceMs = undefined);
    this.#calmSinceMs ??= nowMs;
    return nowMs - this.#calmSinceMs >= options.relaxAfterMs ? this.#stepBack(nowMs, options) : undefined;
  }

  #climb(nowMs: number, isPossible: (act: PressureAct) => boolean): PressureStep | undefined {
    const last = this.#acts.at(-1);
    const next = PRESSURE_ACTS.slice(last === undefined ? 0 : PRESSURE_ACTS.indexOf(last) + 1).find(isPossible);
    if (next === undefined) return undefined;
    this.#climbedAtMs = nowMs;
    this.#acts = [...this.#acts, next];
    return { act: next, begun: true, evidence: this.#evidence };
  }

  #stepBack(nowMs: number, { relaxAfterMs }: PressureOptions): PressureStep {
    const act = this.#acts.at(-1)!;
    this.#acts = this.#acts.slice(0, -1);
    this.#calmSinceMs = nowMs;
    return { act, begun: false, evidence: `it has been calm for ${relaxAfterMs / 1000} s` };
  }
}

/** `margin` 1 for pressure; below it for what is still too near to it. */
function describePressure(
  { machine, gpu }: PressureLook,
  options: PressureOptions,
  margin: number,
): string | undefined {
  return describeMemory(machine, options, margin) ?? describeGpu(gpu, options, margin);
}

function describeMemory(
  { memory, pressure }: MachineReading,
  { memoryFullPercent, lowestAvailableShare }: PressureOptions,
  margin: number,
): string | undefined {
  const full = pressure?.memoryFull ?? 0;
  if (memoryFullPercent > 0 && full >= memoryFullPercent * margin)
    return `for ${full.toFixed(1)} % of the last 10 s everything waited for memory`;
  const availableShare = memory.availableBytes / memory.totalBytes;
  if (availableShare >= lowestAvailableShare / margin) return undefined;
  return `${(availableShare * 100).toFixed(1)} % of the RAM is available`;
}

function describeGpu(gpu: GpuReading, { gpuMemoryShare }: PressureOptions, margin: number): string | undefined {
  if (gpu.state !== 'seen' || gpuMemoryShare === undefined) return undefined;
  // Half of the way from the limit to a full device is no margin to speak of, so it is counted from what is free.
  const leastFree = (1 - gpuMemoryShare) / margin;
  for (const { index, memoryTotalBytes, memoryUsedBytes } of gpu.devices) {
    if (memoryTotalBytes === undefined || memoryUsedBytes === undefined) continue;
    const freeShare = 1 - memoryUsedBytes / memoryTotalBytes;
    if (freeShare < leastFree) return `${(freeShare * 100).toFixed(1)} % of the memory of GPU ${index} is free`;
  }
  return undefined;
}
