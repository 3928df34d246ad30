// Why a backend, or the pool, is as it is: the mode's rule for it, what differs from that rule, and the last events
// that led here. Pure: status and events in, lines of plain words out.

import { UnderstudyError } from '../core/errors.js';
import type { LoggedEvent } from './event-log.js';
import type { BackendStatus, StatusView, WorkerStatus } from './status-view.js';

export interface ExplainInput {
  readonly status: StatusView;
  /** Oldest first. */
  readonly events: readonly LoggedEvent[];
  /** The whole pool without it. */
  readonly backend?: string;
}

const SHOWN_EVENTS = 8;

/** @throws UnderstudyError `unknown-backend` that names those there are. */
export function explain({ status, events, backend: name }: ExplainInput): readonly string[] {
  if (name === undefined) return [...explainMode(status), ...recent(events)];
  const backend = status.backends.find((candidate) => candidate.name === name);
  if (backend === undefined) {
    const names = status.backends.map((candidate) => candidate.name).join(', ');
    throw new UnderstudyError(`Unknown backend '${name}'. There are: ${names}.`, {
      code: 'unknown-backend',
      source: 'operator',
    });
  }
  return [
    explainRole(backend, status),
    ...backend.workers.map(explainWorker),
    ...recent(events.filter((event) => event.backend === name)),
  ];
}

function explainMode({ mode, backends }: StatusView): string[] {
  const lines = [
    mode.converged
      ? `The pool has the shape of mode ${mode.current}.`
      : `The pool is on its way from ${mode.current} to ${mode.target}; until it is there the old shape serves.`,
    ...mode.leases.map((lease) => `${lease.holder} holds a lease on ${lease.mode} (${lease.id}).`),
  ];
  return [...lines, ...backends.map((backend) => explainRole(backend, { mode }))];
}

function explainRole(backend: BackendStatus, { mode }: Pick<StatusView, 'mode'>): string {
  switch (backend.role) {
    case 'active':
      return `${backend.name} is active: it takes traffic with ${backend.workers.length} worker(s).`;
    case 'standby':
      return `${backend.name} is on standby (${backend.temperature ?? 'unknown'}): mode ${mode.target} keeps it ready, and it is promoted when an active worker is lost.`;
    case 'off':
      return `${backend.name} is off: mode ${mode.target} has no place for it.`;
  }
}

function explainWorker(worker: WorkerStatus): string {
  const facts = [`state ${worker.state}`, `health ${worker.health}`, `breaker ${worker.breaker}`];
  if (worker.restarts > 0) facts.push(`${worker.restarts} restart(s)`);
  const last = worker.lastError === undefined ? '' : ` Last trouble: ${worker.lastError}`;
  return `  ${worker.id}: ${facts.join(', ')}.${last}`;
}

function recent(events: readonly LoggedEvent[]): string[] {
  if (events.length === 0) return ['Nothing has happened to it since the start.'];
  return ['What happened last:', ...events.slice(-SHOWN_EVENTS).map(eventLine)];
}

function eventLine(event: LoggedEvent): string {
  const time = new Date(event.at).toISOString().slice(11, 23);
  const change = event.from === undefined ? '' : ` ${event.from} -> ${event.to ?? '?'}`;
  const rule = event.rule === undefined ? '' : ` [${event.rule}]`;
  return `  ${time} ${event.worker ?? event.backend ?? event.kind}${change}: ${event.cause ?? event.kind}${rule}`;
}
