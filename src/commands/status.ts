// `understudy status [--json]`: what the pool looks like now.

import type { AdminClient } from '../admin/admin-client.js';
import { describeFront, describeLoad, describePressure, describeRole } from '../admin/status-text.js';
import type { BackendStatus, LeaseStatus, StatusView, WorkerStatus } from '../admin/status-view.js';
import { systemClock } from '../core/clock.js';
import { EXIT } from './exit-code.js';
import { describeMode } from './mode-text.js';
import type { Terminal } from './terminal.js';
import { renderTable } from './text-table.js';

export interface StatusOptions {
  readonly json: boolean;
}

/** Prints the status document, as JSON or as a table for people. */
export async function runStatus(client: AdminClient, options: StatusOptions, terminal: Terminal): Promise<number> {
  const status = await client.status();
  terminal.stdout.write(
    options.json ? `${JSON.stringify(status, null, 2)}\n` : renderStatus(status, systemClock.epochNow()),
  );
  return EXIT.done;
}

/** The status for people: one line of mode, one of the front, then a row per worker. */
function renderStatus(status: StatusView, nowMs: number): string {
  const { front, instance } = status;
  return [
    ...summaryLines(status, nowMs),
    `front    ${describeFront(front)}   ${describeLoad(front)}`,
    `process  pid ${instance.pid}, version ${instance.version}`,
    '',
    renderTable(
      ['backend', 'role', 'worker', 'state', 'pid', 'in flight', 'requests', 'failures', 'restarts', 'breaker', 'url'],
      status.backends.flatMap(backendRows),
    ),
    '',
  ].join('\n');
}

/** What the pool is at: its mode, who holds it, and what is done because memory is short. */
export function summaryLines({ mode, pressure }: StatusView, nowMs: number): string[] {
  const memory = describePressure(pressure);
  return [
    `mode     ${describeMode(mode)}`,
    ...mode.leases.map((lease) => `lease    ${describeLease(lease, nowMs)}`),
    ...(memory === undefined ? [] : [`memory   ${memory}`]),
  ];
}

function describeLease({ holder, mode, expiresAt, overruled, id }: LeaseStatus, nowMs: number): string {
  const seconds = Math.max(0, Math.ceil((expiresAt - nowMs) / 1000));
  const effect = overruled ? ', overruled by hand' : '';
  return `${mode} is held by ${holder}, runs out in ${seconds} s unless renewed${effect} (${id})`;
}

function backendRows(backend: BackendStatus): string[][] {
  const role = describeRole(backend);
  if (backend.workers.length === 0) return [[backend.name, role]];
  return backend.workers.map((worker, index) => [
    index === 0 ? backend.name : '',
    index === 0 ? role : '',
    ...workerCells(worker),
  ]);
}

function workerCells(worker: WorkerStatus): string[] {
  const pid = worker.pid === null ? '-' : String(worker.pid);
  const counts = [worker.inflight, worker.requests, worker.failures, worker.restarts].map(String);
  return [worker.id, worker.state, pid, ...counts, worker.breaker, worker.url];
}
