import { expect, test } from '@jest/globals';
import { isOnBusyGpu } from '../../../pool/resources/gpu-use.js';
import type { GpuReading, ResourceReading } from '../../../src/core/resource-reading.js';

function readingWith(busyShare: number | undefined): ResourceReading {
  const gpu = { state: 'seen', at: 0, devices: [{ busyShare }] } as unknown as GpuReading;
  return {
    gpu,
    workers: [{ id: 'primary/1', gpuMemoryBytes: 1 }, { id: 'secondary/1' }],
  } as unknown as ResourceReading;
}

test.each([
  ['holds memory on one that computes', true, 'primary/1', readingWith(0.4)],
  ['holds memory on one that rests', false, 'primary/1', readingWith(0)],
  ['holds memory on one that does not tell', false, 'primary/1', readingWith(undefined)],
  ['holds no memory on it', false, 'secondary/1', readingWith(0.4)],
  ['runs where nothing is measured', false, 'primary/1', undefined],
])('a worker that %s counts as using a busy GPU: %s', (_what, expected, id, reading) => {
  expect(isOnBusyGpu(reading, id)).toBe(expected);
});
