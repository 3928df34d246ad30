// Readings of a machine that never was, for tests of what is made of them.
import type { ResourceReading } from '../../src/core/resource-reading.js';

export interface MemoryFacts {
  /** PSI; left out where the kernel keeps no account. */
  readonly memoryFull?: number;
  readonly availableShare?: number;
  /** Of one device; no driver answers when it is left out. */
  readonly gpuUsedShare?: number;
}

const TOTAL_BYTES = 1_000_000;

export function readingOf(
  { memoryFull, availableShare = 0.5, gpuUsedShare }: MemoryFacts,
  at: number,
): ResourceReading {
  const pressure = { cpuSome: 0, memorySome: 0, memoryFull: memoryFull ?? 0, ioSome: 0, ioFull: 0 };
  const memory = {
    totalBytes: TOTAL_BYTES,
    availableBytes: TOTAL_BYTES * availableShare,
    swapTotalBytes: 0,
    swapUsedBytes: 0,
  };
  return {
    at,
    machine: {
      cores: 2,
      cpuShare: undefined,
      load: [0, 0, 0],
      memory,
      pressure: memoryFull === undefined ? undefined : pressure,
    },
    workers: [],
    self: { cores: undefined, residentBytes: 0 },
    gpu: gpuUsedShare === undefined ? { state: 'failing', reason: 'no answer' } : seenGpu(at, gpuUsedShare),
    cost: { cpuMs: 0, gpuQueryMs: undefined, coreShare: 0 },
  };
}

function seenGpu(at: number, usedShare: number): ResourceReading['gpu'] {
  const device = {
    index: 0,
    uuid: 'GPU-0',
    name: 'none',
    busyShare: 0,
    memoryTotalBytes: TOTAL_BYTES,
    memoryUsedBytes: TOTAL_BYTES * usedShare,
    temperatureCelsius: undefined,
    processes: [],
  };
  return { state: 'seen', at, devices: [device] };
}
