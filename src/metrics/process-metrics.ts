// prom-client's own metrics of this process (CPU, memory, descriptors, event-loop delay, heap), but for the one of garbage
// collections: its observer runs after each, cold every time, and prolongs the stall that it measures by a third.

import { createRequire } from 'node:module';
import { collectDefaultMetrics, type Registry } from 'prom-client';

type Collect = (
  registry: Registry,
  options: { readonly prefix: string; readonly eventLoopMonitoringPrecision: number },
) => void;

/** In milliseconds; prom-client's own default. */
const EVENT_LOOP_PRECISION_MS = 10;
/** Gauges that end like counters: promtool objects, and nobody needs them. */
const MISNAMED = ['nodejs_active_handles_total', 'nodejs_active_requests_total', 'nodejs_active_resources_total'];

export function registerProcessMetrics(registry: Registry, prefix: string): void {
  // Its function for all of them has no choice; each is a module by the name that it has in the list. That is not promised
  // to anybody, so package.json names the one version that has it.
  const require = createRequire(import.meta.url);
  for (const name of collectDefaultMetrics.metricsList) {
    if (name === 'gc') continue;
    const collect = require(`prom-client/lib/metrics/${name}.js`) as Collect;
    collect(registry, { prefix, eventLoopMonitoringPrecision: EVENT_LOOP_PRECISION_MS });
  }
  for (const name of MISNAMED) registry.removeSingleMetric(`${prefix}${name}`);
}
