// Why a backend, or the pool, is as it is: the rule that makes it so, what differs from the rule and until when, and
// the last events that led here. Pure: status and events in, lines of plain words out.

import { unknownName } from '../core/errors.js';
import type { LoggedEvent } from './logged-event.js';
import { clockTime, explainBackend } from './explain-backend.js';
import { describeMove } from './status-text.js';
import type { StatusView } from './status-view.js';

export interface ExplainInput {
  readonly status: StatusView;
  /** Oldest first. */
  readonly events: readonly LoggedEvent[];
  /** Milliseconds since the epoch. */
  readonly nowMs: number;
  /** The whole pool without it. */
  readonly backend?: string;
}

const SHOWN_EVENTS = 8;

/** @throws UnderstudyError `unknown-backend` that names those there are. */
export function explain(input: ExplainInput): readonly string[] {
  const { status, events, backend: name } = input;
  if (name === undefined) return [...explainMode(input), ...recent(events)];
  const backend = status.backends.find((candidate) => candidate.name === name);
  if (backend === undefined) {
    const names = status.backends.map((candidate) => candidate.name);
    throw unknownName('backend', name, names);
  }
  const own = events.filter((event) => event.backend === name || event.kind === 'mode');
  return [...explainBackend(backend, { status, events }), ...recent(own)];
}

function explainMode({ status, events, nowMs }: ExplainInput): string[] {
  const { mode, backends } = status;
  const switching = mode.current !== mode.target;
  const asked = events.findLast((event) => event.kind === 'mode' && event.to === mode.target);
  return [
    describeShape(mode),
    ...(asked?.cause === undefined || !switching ? [] : [`  ${clockTime(asked.at)}: ${asked.cause}.`]),
    ...mode.leases.map((lease) => {
      const seconds = Math.max(0, Math.ceil((lease.expiresAt - nowMs) / 1000));
      const effect = lease.overruled ? ', but another mode was set by hand since' : '';
      return `  ${lease.holder} holds mode ${lease.mode} for ${seconds} s more (${lease.id})${effect}.`;
    }),
    ...explainPressure(status),
    ...backends.flatMap((backend) => explainBackend(backend, { status, events })),
  ];
}

function describeShape({ current, target, converged }: StatusView['mode']): string {
  if (converged) return `The pool has the shape of mode ${current}.`;
  return current === target
    ? `The pool is in mode ${current}, but not in its shape: what is missing, and what stands in for it, stands below.`
    : `The pool is on its way from ${current} to ${target}; until it is there, the old shape serves.`;
}

function explainPressure({ pressure: { acts, evidence } }: StatusView): string[] {
  return acts.length === 0 ? [] : [`  Memory is short (${evidence ?? '?'}), hence: ${acts.join(', ')}.`];
}

function recent(events: readonly LoggedEvent[]): string[] {
  if (events.length === 0) return ['Nothing has happened to it since the start.'];
  return ['What happened last:', ...events.slice(-SHOWN_EVENTS).map(eventLine)];
}

function eventLine(event: LoggedEvent): string {
  const move = describeMove(event);
  const change = move === undefined ? '' : ` ${move}`;
  const evidence = event.evidence === undefined ? '' : ` (${event.evidence.split('\n')[0]})`;
  const rule = event.rule === undefined ? '' : ` [${event.rule}]`;
  const subject = event.worker ?? event.backend ?? event.kind;
  return `  ${clockTime(event.at)} ${subject}${change}: ${event.cause ?? event.kind}${evidence}${rule}`;
}
