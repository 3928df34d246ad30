// Everything that Prometheus can scrape of this instance. Names are stable and labels few.

import { Registry } from 'prom-client';
import type { StatusView } from '../admin/status-view.js';
import { registerResourceMetrics } from '../resource-metrics.js';
import { PoolMetrics } from './pool-metrics.js';
import { registerProcessMetrics } from './process-metrics.js';
import { RequestMetrics } from './request-metrics.js';

export interface MetricsSources {
  readonly status: () => StatusView;
}

export class Metrics {
  /** Told of each request. */
  readonly requests = new RequestMetrics();
  /** Told of each event and incident. */
  readonly pool = new PoolMetrics();
  readonly #registry = new Registry();
  readonly #sources: MetricsSources;
  #scraped: StatusView | undefined;

  constructor(sources: MetricsSources) {
    this.#sources = sources;
    registerProcessMetrics(this.#registry, 'understudy_');
    this.requests.register(this.#registry);
    const status = () => (this.#scraped ??= sources.status());
    this.pool.register(this.#registry, status);
    registerResourceMetrics(this.#registry, () => status().resources);
  }

  /** The text that Prometheus scrapes. */
  expose(): Promise<string> {
    this.#scraped = this.#sources.status();
    return this.#registry.metrics();
  }
}
