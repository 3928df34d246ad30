// The pool as others may see it: a snapshot without handles, taken when asked for.
import type { UpstreamAddress } from '../src/core/traffic-port.js';
import { roleIn, workerId, type Role, type Shape } from './modes.js';
import { isManaged, type BackendOptions, type Temperature } from './options.js';
import type { PromotionTime } from './promotion-times.js';
import type { TierView } from './tier-times.js';
import type { HealthVerdict } from './readiness.js';
import { addressOfUrl } from './worker-place.js';
import type { PressureAct } from './resources/pressure-ladder.js';
import type { FailbackView } from './steadiness.js';
import type { Worker } from './worker.js';
import type { WorkerStateKind } from './worker-state.js';

export interface WorkerView {
  readonly id: string;
  readonly generation: number;
  /** `http://host:port` or `unix:/path`; undefined before its first start. */
  readonly url: string | undefined;
  readonly pid: number | undefined;
  readonly state: WorkerStateKind;
  readonly health: HealthVerdict;
  readonly restarts: number;
  /** Failed: time until it starts again; undefined when it is left alone until somebody acts. */
  readonly retryInMs?: number;
  /** Starting: what its last probe said, in words; undefined before the first one. */
  readonly lastProbe?: string;
  /** What ended its last process unasked. */
  readonly lastError?: string;
}

export interface BackendView {
  readonly name: string;
  /** Undefined for a Unix socket. */
  readonly port: number | undefined;
  readonly managed: boolean;
  /** What it does now, not what the mode would have it do: a promoted standby is active. */
  readonly role: Role;
  /** What the mode would have it do, or the operator. */
  readonly wished: Role;
  /** The operator asked for that by hand; it stays until the mode changes. */
  readonly byHand: boolean;
  /** What its standby workers are, or would be; `hot` for an active one. */
  readonly temperature: Temperature;
  /** Its last promotion, in milliseconds: until traffic was routed to it, and until its first answer. */
  readonly promotion?: PromotionTime;
  /** How long the way into traffic takes from each temperature, as last seen. */
  readonly tiers: TierView;
  readonly workers: readonly WorkerView[];
}

export interface PoolView {
  readonly mode: { readonly current: string | undefined; readonly target: string; readonly converged: boolean };
  readonly budget: { readonly workers: number; readonly running: number };
  /** Whether what stands in for lost workers may go back to its rest. */
  readonly failback: FailbackView;
  /** What is done at present because memory is short, and the numbers that called for it. */
  readonly pressure: PressureView;
  readonly backends: readonly BackendView[];
}

export interface PressureView {
  readonly acts: readonly PressureAct[];
  readonly evidence: string | undefined;
}

export interface PoolFacts {
  readonly backends: readonly BackendOptions[];
  readonly workers: readonly Worker[];
  readonly target: Shape;
  /** The mode that stood last; undefined before the first one stands. */
  readonly standing: string | undefined;
  readonly converged: boolean;
  readonly budget: number;
  readonly running: number;
  readonly failback: FailbackView;
  readonly pressure: PressureView;
  readonly nowMs: number;
  /** Backends whose role the operator set by hand. */
  readonly byHand: ReadonlySet<string>;
  promotionOf(backend: string): PromotionTime | undefined;
  tiersOf(backend: string): TierView;
}

export function viewPool(facts: PoolFacts): PoolView {
  const { target, standing, converged, budget, running, failback, pressure } = facts;
  return {
    mode: { current: standing, target: target.mode, converged },
    budget: { workers: budget, running },
    failback,
    pressure,
    backends: facts.backends.map((backend) => viewBackend(backend, facts)),
  };
}

function viewBackend(backend: BackendOptions, facts: PoolFacts): BackendView {
  const workers = facts.workers.filter((worker) => worker.backend.name === backend.name);
  const wish = facts.target.wishes.get(workerId(backend.name, 1));
  const promotion = facts.promotionOf(backend.name);
  const role = roleOf(workers, wish?.role ?? 'off');
  return {
    name: backend.name,
    port: portOf(backend),
    managed: isManaged(backend),
    role,
    wished: wish?.role ?? 'off',
    byHand: facts.byHand.has(backend.name),
    temperature: role === 'active' ? 'hot' : (wish?.temperature ?? 'cold'),
    tiers: facts.tiersOf(backend.name),
    ...(promotion === undefined ? {} : { promotion }),
    workers: workers.filter(isWorthShowing(facts.target)).map((worker) => viewWorker(worker, facts.nowMs)),
  };
}

function roleOf(workers: readonly Worker[], wished: Role): Role {
  if (workers.some((worker) => worker.state.kind === 'active')) return 'active';
  if (workers.some((worker) => worker.state.kind === 'standby')) return 'standby';
  return wished;
}

/** A slot that no process is in, and that the mode does not want, says nothing. */
function isWorthShowing(target: Shape): (worker: Worker) => boolean {
  return (worker) => worker.state.kind !== 'off' || roleIn(target, worker.id) !== 'off';
}

function viewWorker(worker: Worker, nowMs: number): WorkerView {
  const { id, generation, address, pid, state, verdict, restarts, lastProbe, lastError } = worker;
  return {
    id,
    generation,
    url: address === undefined ? undefined : urlOf(address),
    pid,
    state: state.kind,
    health: verdict,
    restarts,
    ...(state.kind === 'failed' && state.retryAtMs !== undefined
      ? { retryInMs: Math.max(0, state.retryAtMs - nowMs) }
      : {}),
    ...(state.kind === 'starting' && lastProbe !== undefined ? { lastProbe } : {}),
    ...(lastError === undefined ? {} : { lastError: lastError.message }),
  };
}

function portOf(backend: BackendOptions): number | undefined {
  if (isManaged(backend)) return backend.port;
  const address = addressOfUrl(backend);
  return address.kind === 'tcp' ? address.port : undefined;
}

function urlOf(address: UpstreamAddress): string {
  if (address.kind === 'unix') return `unix:${address.path}`;
  return `http://${address.host.includes(':') ? `[${address.host}]` : address.host}:${address.port}`;
}
