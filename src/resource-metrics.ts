// Readings of the machine, our workers and the GPU as Prometheus gauges. What is not known has no sample: a gap in a
// chart is honest, a zero is not.

import { Gauge, type Registry } from 'prom-client';
import type { ResourceReading } from './core/resource-reading.js';

type Sample = readonly [labels: Readonly<Record<string, string>>, value: number | undefined];

interface Family {
  readonly name: string;
  readonly help: string;
  readonly labels?: readonly string[];
  readonly read: (reading: ResourceReading) => readonly Sample[];
}

const FAMILIES: readonly Family[] = [
  {
    name: 'understudy_machine_cpu_share',
    help: 'Busy share of all CPUs, from 0 to 1',
    read: ({ machine }) => [[{}, machine.cpuShare]],
  },
  {
    name: 'understudy_machine_memory_available_bytes',
    help: 'Memory that new processes can have without swapping',
    read: ({ machine }) => [[{}, machine.memory.availableBytes]],
  },
  {
    name: 'understudy_machine_pressure_percent',
    help: 'Per cent of the last 10 s in which some or all tasks waited',
    labels: ['resource', 'tasks'],
    read: ({ machine: { pressure } }) => [
      [{ resource: 'cpu', tasks: 'some' }, pressure?.cpuSome],
      [{ resource: 'memory', tasks: 'some' }, pressure?.memorySome],
      [{ resource: 'memory', tasks: 'all' }, pressure?.memoryFull],
      [{ resource: 'io', tasks: 'some' }, pressure?.ioSome],
      [{ resource: 'io', tasks: 'all' }, pressure?.ioFull],
    ],
  },
  {
    name: 'understudy_worker_cpu_cores',
    help: 'Cores that a worker uses, with everything that it started',
    labels: ['worker'],
    read: ({ workers }) => workers.map(({ id, cores }) => [{ worker: id }, cores]),
  },
  {
    name: 'understudy_worker_resident_bytes',
    help: 'Resident memory of a worker, with everything that it started',
    labels: ['worker'],
    read: ({ workers }) => workers.map(({ id, residentBytes }) => [{ worker: id }, residentBytes]),
  },
  {
    name: 'understudy_worker_threads',
    help: 'Threads of a worker, with everything that it started',
    labels: ['worker'],
    read: ({ workers }) => workers.map(({ id, threads }) => [{ worker: id }, threads]),
  },
  {
    name: 'understudy_worker_gpu_memory_bytes',
    help: 'GPU memory of a worker, where the driver tells',
    labels: ['worker'],
    read: ({ workers }) => workers.map(({ id, gpuMemoryBytes }) => [{ worker: id }, gpuMemoryBytes]),
  },
  {
    name: 'understudy_gpu_busy_share',
    help: 'Busy share of a GPU, from 0 to 1',
    labels: ['gpu'],
    read: (reading) => devicesOf(reading).map(({ index, busyShare }) => [{ gpu: String(index) }, busyShare]),
  },
  {
    name: 'understudy_gpu_memory_bytes',
    help: 'Memory of a GPU',
    labels: ['gpu', 'kind'],
    read: (reading) =>
      devicesOf(reading).flatMap(({ index, memoryTotalBytes, memoryUsedBytes }): Sample[] => [
        [{ gpu: String(index), kind: 'total' }, memoryTotalBytes],
        [{ gpu: String(index), kind: 'used' }, memoryUsedBytes],
      ]),
  },
  {
    name: 'understudy_gpu_temperature_celsius',
    help: 'Temperature of a GPU',
    labels: ['gpu'],
    read: (reading) => devicesOf(reading).map((device) => [{ gpu: String(device.index) }, device.temperatureCelsius]),
  },
  {
    name: 'understudy_sampling_core_share',
    help: 'What this sampling costs, as a share of one core',
    read: ({ cost }) => [[{}, cost.coreShare]],
  },
];

/** Asks for the latest reading at each scrape. */
export function registerResourceMetrics(registry: Registry, latest: () => ResourceReading | null): void {
  for (const { name, help, labels, read } of FAMILIES) {
    new Gauge({
      name,
      help,
      labelNames: [...(labels ?? [])],
      registers: [registry],
      collect() {
        this.reset();
        const reading = latest();
        // A gauge without labels would show a zero for what is not known.
        if (labels === undefined) this.remove();
        for (const [values, value] of reading === null ? [] : read(reading)) {
          if (value !== undefined) this.set(values, value);
        }
      },
    });
  }
}

function devicesOf({ gpu }: ResourceReading) {
  return gpu.state === 'seen' ? gpu.devices : [];
}
