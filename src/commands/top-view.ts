// What `understudy top` shows at one moment: pure, a status and the one before it in, text out.

import { coresText, gibibytesText, mebibytesText, perSecondText, shareText } from '../admin/quantity-text.js';
import { ratesOf, type Look, type Rate, type Rates } from '../admin/rates.js';
import { describeGpu, describeLoad, describeRole, describeUsage } from '../admin/status-text.js';
import type { BackendStatus, WorkerStatus } from '../admin/status-view.js';
import type { GpuReading, ResourceReading, TreeReading } from '../core/resource-reading.js';
import { summaryLines } from './status.js';
import { renderTable } from './text-table.js';

export interface TopFacts {
  readonly look: Look;
  /** Rates are of the time since; undefined at the first look. */
  readonly before: Look | undefined;
  /** Milliseconds since the epoch. */
  readonly nowMs: number;
}

const HEADER = [
  'backend',
  'role',
  'worker',
  'state',
  'health',
  'requests/s',
  'in flight',
  'failures/s',
  'breaker',
  'cores',
  'memory',
  'gpu memory',
  'pid',
];

/** Mode, traffic and machine in a line each, then a row for each worker. */
export function renderTop({ look, before, nowMs }: TopFacts): string {
  const { status } = look;
  const rates = ratesOf(look, before);
  return [
    ...summaryLines(status, nowMs),
    `traffic  ${perSecondText(rates?.total.requests)} requests/s, ${describeLoad(status.front)}`,
    ...resourceLines(status.resources),
    '',
    renderTable(
      HEADER,
      status.backends.flatMap((backend) => backendRows(backend, { rates, resources: status.resources })),
    ),
    '',
  ].join('\n');
}

function resourceLines(resources: ResourceReading | null): string[] {
  if (resources === null) return [];
  const { machine, self, gpu } = resources;
  const { availableBytes, totalBytes } = machine.memory;
  const load = machine.load.map((value) => value.toFixed(2)).join(' ');
  return [
    `machine  ${shareText(machine.cpuShare)} of ${machine.cores} cores busy, load ${load}, ${gibibytesText(availableBytes)} of ${gibibytesText(totalBytes)} memory available`,
    ...gpuLines(gpu),
    `proxy    ${describeUsage(self)}`,
  ];
}

function gpuLines(gpu: GpuReading): string[] {
  if (gpu.state !== 'seen') return [];
  return gpu.devices.map((device) => `gpu ${device.index}    ${describeGpu(device)}`);
}

interface RowFacts {
  readonly rates: Rates | undefined;
  readonly resources: ResourceReading | null;
}

function backendRows(backend: BackendStatus, { rates, resources }: RowFacts): string[][] {
  const first = [backend.name, describeRole(backend)];
  if (backend.workers.length === 0) return [first];
  return backend.workers.map((worker, index) => [
    ...(index === 0 ? first : ['', '']),
    ...workerCells(worker, rates?.workers.get(worker.id)),
    ...usageCells(resources?.workers.find(({ id }) => id === worker.id)),
    worker.pid === null ? '-' : String(worker.pid),
  ]);
}

function workerCells(worker: WorkerStatus, rate: Rate | undefined): string[] {
  const { id, state, health, inflight, breaker } = worker;
  return [id, state, health, perSecondText(rate?.requests), String(inflight), perSecondText(rate?.failures), breaker];
}

function usageCells(usage: TreeReading | undefined): string[] {
  return [coresText(usage?.cores), mebibytesText(usage?.residentBytes), mebibytesText(usage?.gpuMemoryBytes)];
}
