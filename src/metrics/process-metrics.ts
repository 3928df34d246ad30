// prom-client's own metrics of this process (CPU, memory, descriptors, heap), but for two that cost too much: the observer of
// garbage collections runs after each, cold every time, and prolongs the stall that it measures by a third; the one of
// the event loop's delay wakes an idle process 100 times a second, and ours takes its place.

import { createRequire } from 'node:module';
import { collectDefaultMetrics, type Registry } from 'prom-client';
import { systemClock } from '../core/clock.js';
import { registerEventLoopDelay } from './event-loop-delay.js';

type Collect = (registry: Registry, options: { readonly prefix: string }) => void;

const LEFT_OUT = ['gc', 'eventLoopLag'];
/** Gauges that end like counters: promtool objects, and nobody needs them. */
const MISNAMED = ['nodejs_active_handles_total', 'nodejs_active_requests_total', 'nodejs_active_resources_total'];

export function registerProcessMetrics(registry: Registry, prefix: string): void {
  // Its function for all of them has no choice; each is a module by the name that it has in the list. That is not promised
  // to anybody, so package.json names the one version that has it.
  const require = createRequire(import.meta.url);
  for (const name of collectDefaultMetrics.metricsList) {
    if (LEFT_OUT.includes(name)) continue;
    const collect = require(`prom-client/lib/metrics/${name}.js`) as Collect;
    collect(registry, { prefix });
  }
  registerEventLoopDelay(registry, prefix, systemClock);
  for (const name of MISNAMED) registry.removeSingleMetric(`${prefix}${name}`);
}
