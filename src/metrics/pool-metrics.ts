// The pool as Prometheus sees it: its shape from the status at each scrape, and counts of what happened from the events.

import type { Registry } from 'prom-client';
import type { UpstreamIncident } from '../core/traffic-port.js';
import type { BackendStatus, StatusView, WorkerStatus } from '../admin/status-view.js';
import { LabelledCount, registerFamily, type Family, type Sample } from './family.js';

/** What is counted of an event. */
export interface CountedEvent {
  readonly kind: string;
  readonly backend?: string;
  readonly from?: string;
  readonly to?: string;
}

export class PoolMetrics {
  readonly #promotions = new LabelledCount('backend');
  readonly #failures = new LabelledCount('backend');
  readonly #openings = new LabelledCount('upstream');
  readonly #refusals = new LabelledCount('upstream');
  readonly #switches = new LabelledCount('mode');

  onEvent({ kind, backend, from, to }: CountedEvent): void {
    if (kind === 'mode' && to !== undefined) this.#switches.add(to);
    if (kind !== 'worker' || backend === undefined) return;
    if (from === 'standby' && to === 'active') this.#promotions.add(backend);
    if (to === 'failed' && from !== 'failed') this.#failures.add(backend);
  }

  onIncident({ kind, id }: UpstreamIncident): void {
    if (kind === 'breaker-open') this.#openings.add(id);
    if (kind === 'refused') this.#refusals.add(id);
  }

  /** @param status asked once a family at each scrape. */
  register(registry: Registry, status: () => StatusView): void {
    for (const family of [...this.#counters(), ...gauges(status)]) registerFamily(registry, family);
  }

  #counters(): Family[] {
    const counter = (name: string, help: string, count: LabelledCount): Family => ({
      name,
      help,
      type: 'counter',
      read: () => count.samples(),
    });
    return [
      counter('understudy_promotions_total', 'Standby workers brought into traffic', this.#promotions),
      counter('understudy_worker_failures_total', 'Processes that ended unasked or never got ready', this.#failures),
      counter('understudy_breaker_openings_total', 'Times that a breaker took an upstream out', this.#openings),
      counter('understudy_refused_connections_total', 'Connections that an upstream refused', this.#refusals),
      counter('understudy_mode_changes_total', 'Switches begun, done or rolled back, by where to', this.#switches),
    ];
  }
}

function gauges(status: () => StatusView): Family[] {
  const gauge = (name: string, help: string, read: (status: StatusView) => readonly Sample[]): Family => ({
    name,
    help,
    type: 'gauge',
    read: () => read(status()),
  });
  const perWorker = (sample: (worker: WorkerStatus) => Sample) => (view: StatusView) => workersOf(view).map(sample);
  return [
    gauge('understudy_build_info', 'The version that runs', ({ instance }) => [
      { labels: { version: instance.version }, value: 1 },
    ]),
    gauge('understudy_inflight_requests', 'Requests that are not over', ({ front }) => [{ value: front.inflight }]),
    gauge('understudy_waiting_requests', 'Requests in the waiting room', ({ front }) => [{ value: front.waiting }]),
    gauge('understudy_mode', '1 for the mode that the pool has, or is on its way to', ({ mode }) => [
      { labels: { mode: mode.target }, value: 1 },
    ]),
    gauge('understudy_converged', '1 when the pool has the shape of its mode', ({ mode }) => [
      { value: Number(mode.converged) },
    ]),
    gauge('understudy_leases', 'Leases on a mode that are held now', ({ mode }) => [{ value: mode.leases.length }]),
    gauge('understudy_pressure_act', '1 for what is done because memory is short', ({ pressure }) =>
      pressure.acts.map((act) => ({ labels: { act }, value: 1 })),
    ),
    gauge('understudy_backend_role', '1 for the role that a backend has', ({ backends }) =>
      backends.map(({ name, role }) => ({ labels: { backend: name, role }, value: 1 })),
    ),
    gauge('understudy_promotion_routed_seconds', 'Last promotion: from the event to traffic routed', (view) =>
      promotionSamples(view, 'routedMs'),
    ),
    gauge('understudy_promotion_proven_seconds', 'Last promotion: from the event to the first answer', (view) =>
      promotionSamples(view, 'provenMs'),
    ),
    gauge(
      'understudy_tier_promotion_seconds',
      'From a temperature to an answer, as last rehearsed or started',
      ({ backends }) =>
        backends.flatMap(({ name, tiers }) =>
          Object.entries(tiers).map(([temperature, { ms }]) => ({
            labels: { backend: name, temperature },
            value: ms / 1000,
          })),
        ),
    ),
    gauge(
      'understudy_worker_state',
      '1 for the state that a worker is in',
      perWorker(({ id, state }) => ({ labels: { worker: id, state }, value: 1 })),
    ),
    gauge(
      'understudy_worker_restarts',
      'Processes that a worker slot has had after its first',
      perWorker(({ id, restarts }) => ({ labels: { worker: id }, value: restarts })),
    ),
    gauge(
      'understudy_worker_inflight_requests',
      'Requests that a worker is at',
      perWorker(({ id, inflight }) => ({ labels: { worker: id }, value: inflight })),
    ),
    gauge(
      'understudy_breaker_state',
      "1 for the state of a worker's breaker",
      perWorker(({ id, breaker }) => ({ labels: { worker: id, state: breaker }, value: 1 })),
    ),
  ];
}

function workersOf({ backends }: StatusView): readonly WorkerStatus[] {
  return backends.flatMap((backend) => backend.workers);
}

function promotionSamples({ backends }: StatusView, what: 'routedMs' | 'provenMs'): Sample[] {
  return backends.flatMap(({ name, promotion }: BackendStatus) => {
    const ms = promotion?.[what];
    return ms === undefined ? [] : [{ labels: { backend: name }, value: ms / 1000 }];
  });
}
