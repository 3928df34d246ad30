// How late the event loop gets to what is due, under the names that prom-client's users know. prom-client looks 100 times
// a second, which takes an idle proxy more than 1 % of a core, and counts the pause between two looks as delay.

import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Gauge, type Registry } from 'prom-client';
import { nextTurn, type Clock } from '../core/clock.js';

const LOOK_EVERY_MS = 100;

/** Gauges in seconds, of the looks since the last scrape; `lag` itself is measured by the scrape. */
export function registerEventLoopDelay(registry: Registry, prefix: string, clock: Clock): void {
  const looks = monitorEventLoopDelay({ resolution: LOOK_EVERY_MS });
  looks.enable();
  const late = (nanoseconds: number) => Math.max(0, nanoseconds / 1e9 - LOOK_EVERY_MS / 1e3);
  const figures: readonly (readonly [name: string, help: string, read: () => number])[] = [
    ['lag_min', 'Least delay of the event loop', () => late(looks.min)],
    ['lag_max', 'Greatest delay of the event loop', () => late(looks.max)],
    ['lag_mean', 'Mean delay of the event loop', () => late(looks.mean)],
    ['lag_stddev', "Standard deviation of the event loop's delay", () => looks.stddev / 1e9],
    ['lag_p50', "Median of the event loop's delay", () => late(looks.percentile(50))],
    ['lag_p90', "90th percentile of the event loop's delay", () => late(looks.percentile(90))],
    ['lag_p99', "99th percentile of the event loop's delay", () => late(looks.percentile(99))],
  ];
  const gauge = (name: string, help: string, collect?: () => Promise<void>) =>
    new Gauge({
      name: `${prefix}nodejs_eventloop_${name}_seconds`,
      help: `${help}, in seconds.`,
      registers: [registry],
      ...(collect && { collect }),
    });
  // The first of them, so that its scrape sets the others before theirs.
  const now = gauge('lag', 'Delay of the event loop at the scrape', async () => {
    // Before any look there is nothing to tell but zeros.
    const looked = looks.count > 0;
    for (const { of, read } of statistics) of.set(looked ? read() : 0);
    looks.reset();
    const from = clock.now();
    await nextTurn();
    now.set((clock.now() - from) / 1e3);
  });
  const statistics = figures.map(([name, help, read]) => ({ of: gauge(name, help), read }));
}
