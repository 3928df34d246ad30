// One backend in plain words: its role and the rule behind it, a role that differs from the mode's and until when, and
// each worker that is not simply well. Pure.

import type { LoggedEvent } from './logged-event.js';
import type { BackendStatus, StatusView, WorkerStatus } from './status-view.js';

export interface Surroundings {
  readonly status: StatusView;
  /** Oldest first. */
  readonly events: readonly LoggedEvent[];
}

export function explainBackend(backend: BackendStatus, around: Surroundings): string[] {
  return [
    explainRole(backend, around.status),
    ...explainStandIn(backend, around),
    ...backend.workers.flatMap((worker) => explainWorker(worker, backend, around)),
  ];
}

/** The time of day here, to the millisecond. */
export function clockTime(epochMs: number): string {
  const time = new Date(epochMs);
  const parts = [time.getHours(), time.getMinutes(), time.getSeconds()].map((part) => String(part).padStart(2, '0'));
  return `${parts.join(':')}.${String(time.getMilliseconds()).padStart(3, '0')}`;
}

function explainRole(backend: BackendStatus, { mode }: StatusView): string {
  const { name, role, byHand, wished } = backend;
  if (byHand && role === wished) {
    const [what, undo] = role === 'active' ? ['active', 'drain'] : ['out of traffic, running', 'promote'];
    return `${name} is ${what} because an operator asked for it by hand; that lasts until the mode changes, or 'understudy ${undo} ${name}'.`;
  }
  if (byHand) return explainUnfulfilled(backend);
  switch (role) {
    case 'active':
      if (wished === 'active') return `${name} is active: mode ${mode.target} wants it in traffic.`;
      return `${name} is active, although mode ${mode.target} wants it ${wished === 'off' ? 'off' : 'on standby'}.`;
    case 'standby':
      if (wished !== 'standby') return `${name} is on standby, on its way to be ${wished} in mode ${mode.target}.`;
      return `${name} is on standby (${backend.temperature ?? 'unknown'}) because of mode ${mode.target}: started and proven, without traffic, until an active worker is lost.`;
    case 'off':
      return `${name} is off: mode ${mode.target} has no place for it.`;
  }
}

/** `wished` is the operator's word then, and not the mode's. */
function explainUnfulfilled({ name, role, wished }: BackendStatus): string {
  const now = role === 'standby' ? 'on standby' : role;
  if (wished === 'active') return `${name} is ${now}, on its way into traffic: an operator asked for it by hand.`;
  const serves = 'it serves as long as nothing can take its place';
  return `${name} is ${now}, although an operator asked by hand to take it out of traffic: ${serves}.`;
}

/** A standby in traffic: what called it there, and when it goes back. */
function explainStandIn(backend: BackendStatus, { status, events }: Surroundings): string[] {
  if (backend.role !== 'active' || backend.wished !== 'standby' || backend.byHand) return [];
  // From its rest, from its drain, or from a start of its own: whatever the latest way into traffic was.
  const promoted = events.findLast(({ backend: name, to }) => name === backend.name && to === 'active');
  const because =
    promoted === undefined ? [] : [`  It was promoted at ${clockTime(promoted.at)}: ${reasonOf(promoted)}`];
  return [...because, `  ${explainFailback(status)}`];
}

function explainFailback(status: StatusView): string {
  const missing = status.backends
    .filter((backend) => backend.wished === 'active')
    .flatMap((backend) => backend.workers)
    .filter((worker) => worker.state !== 'active' || worker.health !== 'well')
    .map((worker) => `${worker.id} (${worker.state})`);
  if (missing.length > 0) {
    return `It goes back to standby some time after everything is back that serves in mode ${status.mode.target}; still missing: ${missing.join(', ')}.`;
  }
  if (status.failback.kind === 'pending') {
    const seconds = (status.failback.inMs / 1000).toFixed(1);
    return `Everything it stood in for is back: it goes back to standby in ${seconds} s, unless another worker is lost before.`;
  }
  return 'Everything it stood in for is back: it goes back to standby now.';
}

function explainWorker(worker: WorkerStatus, backend: BackendStatus, { events }: Surroundings): string[] {
  const moved = events.findLast((event) => event.worker === worker.id && event.to === worker.state);
  const because = moved === undefined ? '' : ` ${clockTime(moved.at)}: ${reasonOf(moved)}`;
  const last = worker.lastError === undefined ? '' : ` Last trouble: ${worker.lastError}`;
  switch (worker.state) {
    case 'failed':
      if (worker.retryInMs !== null) {
        return [`  ${worker.id} failed and starts again in ${(worker.retryInMs / 1000).toFixed(1)} s.${last}`];
      }
      return [
        `  ${worker.id} is in a crash loop and left alone.${because}`,
        `  Fix the cause, then 'understudy restart ${backend.name}'.${last}`,
      ];
    case 'draining':
      return [
        `  ${worker.id} is draining: it gets no new request, and ${worker.inflight} in flight may finish.${because}`,
      ];
    case 'starting':
      return [
        `  ${worker.id} is starting.${because}${worker.lastProbe === undefined ? '' : ` Its health path ${worker.lastProbe} last.`}`,
      ];
    case 'stopping':
      return [`  ${worker.id} is ${worker.state}.${because}`];
    case 'standby':
      return explainRehearsal(worker, events);
    default:
      return explainHealth(worker, last);
  }
}

function explainRehearsal(worker: WorkerStatus, events: readonly LoggedEvent[]): string[] {
  const proved = events.findLast((event) => event.worker === worker.id && event.kind === 'rehearsal');
  if (proved === undefined) return [];
  return [
    `  ${worker.id} last showed that it still answers at ${clockTime(proved.at)} (${proved.evidence ?? 'it answered'}).`,
  ];
}

function explainHealth(worker: WorkerStatus, last: string): string[] {
  const facts = [
    ...(worker.health === 'well' ? [] : [`its health is ${worker.health}`]),
    ...(worker.breaker === 'closed' ? [] : [`its breaker is ${worker.breaker}, since requests to it failed`]),
    ...(worker.restarts === 0 ? [] : [`restarted ${worker.restarts === 1 ? 'once' : `${worker.restarts} times`}`]),
  ];
  return facts.length === 0 ? [] : [`  ${worker.id}: ${facts.join('; ')}.${last}`];
}

function reasonOf({ cause, evidence, rule }: LoggedEvent): string {
  const seen = evidence === undefined ? '' : ` (${evidence})`;
  return `${cause ?? 'unknown'}${seen}${rule === undefined ? '.' : `. Rule: ${rule}.`}`;
}
