import { expect, test } from '@jest/globals';
import { Registry } from 'prom-client';
import type { ResourceReading } from '../../src/core/resource-reading.js';
import { registerResourceMetrics } from '../../src/resource-metrics.js';

const READING: ResourceReading = {
  at: 0,
  machine: {
    cores: 2,
    cpuShare: undefined,
    load: [0, 0, 0],
    memory: { totalBytes: 2_000, availableBytes: 1_000, swapTotalBytes: 0, swapUsedBytes: 0 },
    pressure: undefined,
  },
  workers: [
    { id: 'primary/1', pid: 7, cores: 0.5, processes: 1, residentBytes: 300, peakResidentBytes: 400, threads: 4 },
  ],
  self: { cores: 0.1, residentBytes: 50 },
  gpu: {
    state: 'seen',
    at: 0,
    devices: [
      {
        index: 0,
        uuid: 'GPU-a',
        name: 'made',
        busyShare: 0.61,
        memoryTotalBytes: 4_096,
        memoryUsedBytes: 900,
        temperatureCelsius: undefined,
        processes: [],
      },
    ],
  },
  cost: { cpuMs: 1, gpuQueryMs: 20, coreShare: 0.002 },
};

async function linesOf(reading: ResourceReading | null): Promise<string[]> {
  const registry = new Registry();
  registerResourceMetrics(registry, () => reading);
  return (await registry.metrics()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
}

test('a reading is shown by worker and by device', async () => {
  const lines = await linesOf(READING);
  expect(lines).toContain('understudy_worker_cpu_cores{worker="primary/1"} 0.5');
  expect(lines).toContain('understudy_gpu_memory_bytes{gpu="0",kind="used"} 900');
  expect(lines).toContain('understudy_machine_memory_available_bytes 1000');
});

test('what is not known has no sample at all', async () => {
  const names = (await linesOf(READING)).map((line) => line.split(/[ {]/)[0]);
  expect(names).not.toContain('understudy_machine_cpu_share');
  expect(names).not.toContain('understudy_gpu_temperature_celsius');
  expect(names).not.toContain('understudy_machine_pressure_percent');
});

test('nothing is shown before the first sample', async () => {
  expect(await linesOf(null)).toEqual([]);
});
