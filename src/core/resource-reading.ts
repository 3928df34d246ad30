// What the machine and our own processes use, as one snapshot: plain values that status and metrics show as they are.
// Shares are of the whole machine from 0 to 1, except `cores`, which counts cores.

export interface ResourceReading {
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly machine: MachineReading;
  readonly workers: readonly TreeReading[];
  /** Understudy's own process, without its workers. */
  readonly self: ProcessUsage;
  readonly gpu: GpuReading;
  /** What it costs to know all this. */
  readonly cost: SamplingCost;
}

export interface MachineReading {
  readonly cores: number;
  /** Busy share since the last sample; undefined at the first one. */
  readonly cpuShare: number | undefined;
  /** Load averages over 1, 5 and 15 minutes. */
  readonly load: readonly number[];
  readonly memory: MemoryReading;
  /** Undefined where the kernel keeps no pressure accounts. */
  readonly pressure: PressureReading | undefined;
}

export interface MemoryReading {
  readonly totalBytes: number;
  /** What new processes can have without swapping. */
  readonly availableBytes: number;
  readonly swapTotalBytes: number;
  readonly swapUsedBytes: number;
}

/** Per cent of the last ten seconds in which some task, or every task, waited for it. */
export interface PressureReading {
  readonly cpuSome: number;
  readonly memorySome: number;
  readonly memoryFull: number;
  readonly ioSome: number;
  readonly ioFull: number;
}

export interface ProcessUsage {
  /** Cores used since the last sample; undefined at the first one. */
  readonly cores: number | undefined;
  readonly residentBytes: number;
}

/** A worker with everything that it started. */
export interface TreeReading extends ProcessUsage {
  readonly id: string;
  readonly pid: number;
  readonly processes: number;
  readonly threads: number;
  /** The most that its processes ever had resident, added up. */
  readonly peakResidentBytes: number;
  /** Undefined when no driver tells. */
  readonly gpuMemoryBytes?: number;
}

export type GpuReading =
  | { readonly state: 'off' | 'none' | 'failing'; readonly reason: string }
  | { readonly state: 'seen'; readonly at: number; readonly devices: readonly GpuDevice[] };

export interface GpuDevice {
  readonly index: number;
  readonly uuid: string;
  readonly name: string;
  /** Undefined where the device does not tell. */
  readonly busyShare: number | undefined;
  readonly memoryTotalBytes: number | undefined;
  readonly memoryUsedBytes: number | undefined;
  readonly temperatureCelsius: number | undefined;
  readonly processes: readonly GpuProcess[];
}

export interface GpuProcess {
  readonly pid: number;
  readonly memoryBytes: number | undefined;
}

export interface SamplingCost {
  /** CPU time of our own process for one sample, in milliseconds. */
  readonly cpuMs: number;
  /** How long the last GPU query ran, in milliseconds: more than its CPU time. */
  readonly gpuQueryMs: number | undefined;
  /** Both together as a share of one core. */
  readonly coreShare: number;
}
