// Joins what the planes know into the status document. Pure.

import type { BackendView, PoolView, WorkerView } from '../../pool/index.js';
import type { Priority } from '../core/priority.js';
import type { TrafficPort } from '../core/traffic-port.js';
import type { BackendStatus, LeaseStatus, StatusView, WorkerStatus } from './status-view.js';

export interface StatusSources {
  readonly instance: StatusView['instance'];
  readonly front: StatusView['front'];
  readonly pool: PoolView;
  readonly leases: readonly LeaseStatus[];
  /** All that there are; `job` is the priority of a command that a lease is held for. */
  readonly modes: Readonly<Record<string, { readonly job: Priority }>>;
  readonly traffic: Pick<TrafficPort, 'trafficOf'>;
  readonly resources: StatusView['resources'];
}

export function composeStatus(sources: StatusSources): StatusView {
  const { mode, backends, failback, pressure } = sources.pool;
  return {
    instance: sources.instance,
    mode: {
      current: mode.current ?? mode.target,
      target: mode.target,
      converged: mode.converged,
      leases: sources.leases,
      available: Object.keys(sources.modes),
      job: sources.modes[mode.target]?.job ?? {},
    },
    front: sources.front,
    backends: backends.map((backend) => backendStatus(backend, sources.traffic)),
    failback,
    pressure: { acts: pressure.acts, evidence: pressure.evidence ?? null },
    resources: sources.resources,
  };
}

function backendStatus(backend: BackendView, traffic: Pick<TrafficPort, 'trafficOf'>): BackendStatus {
  return {
    name: backend.name,
    port: backend.port ?? null,
    role: backend.role,
    wished: backend.wished,
    byHand: backend.byHand,
    temperature: backend.role === 'standby' ? backend.temperature : null,
    promotion: backend.promotion ?? null,
    tiers: backend.tiers,
    workers: backend.workers.map((worker) => workerStatus(worker, traffic)),
  };
}

function workerStatus(worker: WorkerView, traffic: Pick<TrafficPort, 'trafficOf'>): WorkerStatus {
  const seen = traffic.trafficOf(worker);
  return {
    id: worker.id,
    url: worker.url ?? '',
    pid: worker.pid ?? null,
    state: worker.state,
    health: worker.health,
    restarts: worker.restarts,
    retryInMs: worker.retryInMs ?? null,
    inflight: seen?.inflight ?? 0,
    requests: seen?.requests ?? 0,
    failures: seen?.failures ?? 0,
    breaker: seen?.breaker ?? 'closed',
    ...(worker.lastProbe === undefined ? {} : { lastProbe: worker.lastProbe }),
    ...(worker.lastError === undefined ? {} : { lastError: worker.lastError }),
  };
}
