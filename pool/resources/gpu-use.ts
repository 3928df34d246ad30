// Whether a worker may be waiting for its GPU, as far as the driver tells. Pure.
import type { ResourceReading } from '../../src/core/resource-reading.js';

/**
 * It has memory on a GPU, and one of them computes. Which of its processes computes no driver tells without being asked
 * for accounting, so this errs towards work: it is asked for before a worker is ended.
 */
export function isOnBusyGpu(reading: ResourceReading | undefined, workerId: string): boolean {
  if (reading?.gpu.state !== 'seen') return false;
  const holdsMemory = reading.workers.some(({ id, gpuMemoryBytes = 0 }) => id === workerId && gpuMemoryBytes > 0);
  return holdsMemory && reading.gpu.devices.some(({ busyShare }) => busyShare !== undefined && busyShare > 0);
}
