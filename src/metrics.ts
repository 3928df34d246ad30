// Prometheus metrics. Names are stable and labels few: what a request is asked for (its path) is never one.

import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { ProxyObserver, RequestRecord } from '../proxy/index.js';
import type { StatusView } from './admin/status-view.js';
import { registerResourceMetrics } from './resource-metrics.js';

const SECONDS_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 120];

export interface MetricsSources {
  /** Asked at each scrape. */
  readonly status: () => StatusView;
}

export class Metrics implements ProxyObserver {
  readonly #registry = new Registry();
  readonly #requests = this.#counter('understudy_requests_total', 'Requests by status class and who ended them', [
    'status',
    'ended_by',
    'upstream',
  ]);
  readonly #durations = this.#histogram(
    'understudy_request_duration_seconds',
    'From the head to the end of the answer',
  );
  readonly #queued = this.#histogram('understudy_queue_seconds', 'From the head until an upstream was there');
  readonly #problems = this.#counter('understudy_problems_total', 'Answers and breaks of our own, by code', ['code']);
  readonly #repeats = this.#counter('understudy_repeats_total', 'Attempts made again, by what failed', ['cause']);
  readonly #refusedRepeats = this.#counter('understudy_repeats_refused_total', 'Repeats not made, by reason', [
    'reason',
  ]);

  constructor(sources: MetricsSources) {
    collectDefaultMetrics({ register: this.#registry, prefix: 'understudy_' });
    this.#gauge('understudy_inflight_requests', 'Requests that are not over', (gauge) => {
      gauge.set(sources.status().front.inflight);
    });
    this.#gauge('understudy_waiting_requests', 'Requests in the waiting room', (gauge) => {
      gauge.set(sources.status().front.waiting);
    });
    this.#workerGauges(sources);
    registerResourceMetrics(this.#registry, () => sources.status().resources);
  }

  onRequest(record: RequestRecord): void {
    const status = `${Math.floor(record.status / 100)}xx`;
    this.#requests.inc({ status, ended_by: record.endedBy, upstream: record.upstream ?? 'none' });
    this.#durations.observe(record.durationMs / 1000);
    this.#queued.observe(record.queuedMs / 1000);
    if (record.code !== undefined) this.#problems.inc({ code: record.code });
  }

  onRepeat(cause: string): void {
    this.#repeats.inc({ cause });
  }

  onRepeatRefused(reason: string): void {
    this.#refusedRepeats.inc({ reason });
  }

  /** The text that Prometheus scrapes. */
  expose(): Promise<string> {
    return this.#registry.metrics();
  }

  #workerGauges({ status }: MetricsSources): void {
    this.#gauge(
      'understudy_worker_state',
      '1 for the state that a worker is in',
      (gauge) => {
        gauge.reset();
        for (const worker of status().backends.flatMap((backend) => backend.workers)) {
          gauge.set({ worker: worker.id, state: worker.state }, 1);
        }
      },
      ['worker', 'state'],
    );
    this.#gauge(
      'understudy_mode',
      '1 for the mode that the pool has, or is on its way to',
      (gauge) => {
        gauge.reset();
        gauge.set({ mode: status().mode.target, converged: String(status().mode.converged) }, 1);
      },
      ['mode', 'converged'],
    );
  }

  #counter<Label extends string>(name: string, help: string, labelNames: readonly Label[]): Counter<Label> {
    return new Counter({ name, help, labelNames, registers: [this.#registry] });
  }

  #histogram(name: string, help: string): Histogram {
    return new Histogram({ name, help, buckets: SECONDS_BUCKETS, registers: [this.#registry] });
  }

  #gauge(name: string, help: string, collect: (gauge: Gauge) => void, labelNames: readonly string[] = []): void {
    new Gauge({
      name,
      help,
      labelNames,
      registers: [this.#registry],
      collect() {
        collect(this);
      },
    });
  }
}
