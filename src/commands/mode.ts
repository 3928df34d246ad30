// `understudy mode [NAME] [--wait] [--dry-run]`: shows the mode, asks for another, or prints what a switch would do.

import type { AdminClient } from '../admin/admin-client.js';
import type { PlanView } from '../admin/plan-view.js';
import { mebibytesText } from '../admin/quantity-text.js';
import type { StatusView } from '../admin/status-view.js';
import { systemClock, waitFor } from '../core/clock.js';
import { EXIT } from './exit-code.js';
import { describeMode } from './mode-text.js';
import { progressLine, type Terminal } from './terminal.js';
import { renderTable } from './text-table.js';
import { usageError } from './usage-error.js';

export interface ModeOptions {
  readonly name?: string;
  readonly wait: boolean;
  readonly dryRun: boolean;
}

const PROGRESS_INTERVAL_MS = 200;

/**
 * Prints the present mode without a name; otherwise switches (and with `wait` stays until it is done).
 * @throws UnderstudyError `usage` for a flag that needs the name.
 */
export async function runMode(client: AdminClient, options: ModeOptions, terminal: Terminal): Promise<number> {
  if (options.name === undefined) {
    refuseFlagsWithoutName(options);
    return showMode(client, terminal);
  }
  if (options.dryRun) return showPlan(client, options.name, terminal);
  if (options.wait) return switchAndWait(client, options.name, terminal);
  await client.request({ method: 'PUT', path: '/v1/mode', body: { mode: options.name } });
  terminal.stdout.write(`switching to ${options.name}; 'understudy status' shows how far it is\n`);
  return EXIT.done;
}

/** They speak of a switch: showing the mode instead would look like its plan, or its end. */
function refuseFlagsWithoutName({ wait, dryRun }: ModeOptions): void {
  const flag = dryRun ? '--dry-run' : wait ? '--wait' : undefined;
  if (flag !== undefined) throw usageError(`${flag} needs the name of a mode: understudy mode NAME ${flag}`);
}

async function showMode(client: AdminClient, terminal: Terminal): Promise<number> {
  const { mode } = await client.status();
  terminal.stdout.write(`${describeMode(mode)}\n`);
  return EXIT.done;
}

async function showPlan(client: AdminClient, name: string, terminal: Terminal): Promise<number> {
  const plan = await client.request<PlanView>({
    method: 'GET',
    path: `/v1/mode/plan?mode=${encodeURIComponent(name)}`,
  });
  terminal.stdout.write(renderPlan(plan));
  return EXIT.done;
}

/** The plan for people: numbered steps with what runs after each, then what runs before, at peak and after. */
export function renderPlan(plan: PlanView): string {
  if (plan.stages.length === 0) return `${plan.from} -> ${plan.to}\n  nothing to do\n`;
  const stages = plan.stages.map(({ step, processes, memoryBytes }, index) => [
    `${index + 1}. ${step}`,
    String(processes),
    memoryText(memoryBytes),
  ]);
  const totals = (['before', 'peak', 'after'] as const).map((when) => [
    when === 'peak' ? 'at peak' : when,
    String(plan.processes[when]),
    memoryText(plan.memoryBytes[when]),
  ]);
  const header = [`${plan.from} -> ${plan.to}`, 'processes', 'memory'];
  return `${renderTable(header, [...stages, [], ...totals])}\n`;
}

function memoryText(bytes: number | null): string {
  return bytes === null ? 'unknown' : mebibytesText(bytes);
}

/** Switches and returns once the pool has converged; shows meanwhile what it is waiting for. */
export async function switchAndWait(client: AdminClient, name: string, terminal: Terminal): Promise<number> {
  const startedAt = systemClock.now();
  const done = new AbortController();
  const progress = showProgress(client, { terminal, startedAt, signal: done.signal });
  try {
    await client.request({ method: 'PUT', path: '/v1/mode?wait=true', body: { mode: name } });
  } finally {
    done.abort();
    await progress;
  }
  terminal.stdout.write(`${name}: converged in ${seconds(systemClock.now() - startedAt)}\n`);
  return EXIT.done;
}

interface ProgressOptions {
  readonly terminal: Terminal;
  readonly startedAt: number;
  readonly signal: AbortSignal;
}

/** Redraws one line with what is under way until the signal aborts; a lost answer only skips one redraw. */
export async function showProgress(client: AdminClient, options: ProgressOptions): Promise<void> {
  const line = progressLine(options.terminal);
  while (!options.signal.aborted) {
    const status = await client.status(options.signal).catch(() => undefined);
    const elapsed = seconds(systemClock.now() - options.startedAt);
    if (status !== undefined) line.show(`${status.mode.target}: ${underWay(status)} (${elapsed})`);
    await waitFor(systemClock, PROGRESS_INTERVAL_MS, options.signal).catch(() => undefined);
  }
  line.clear();
}

const SETTLED_STATES = new Set(['active', 'standby', 'off']);

function underWay(status: StatusView): string {
  const busy = status.backends
    .flatMap((backend) => backend.workers)
    .filter((worker) => !SETTLED_STATES.has(worker.state))
    .map((worker) => `${worker.id} ${worker.state}`);
  return busy.length === 0 ? 'settling' : busy.join(', ');
}

function seconds(durationMs: number): string {
  return `${(durationMs / 1000).toFixed(1)} s`;
}
