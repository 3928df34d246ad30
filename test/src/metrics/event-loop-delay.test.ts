import { monitorEventLoopDelay } from 'node:perf_hooks';
import { expect, test } from '@jest/globals';
import { Registry } from 'prom-client';
import { systemClock } from '../../../src/core/clock.js';
import { registerEventLoopDelay } from '../../../src/metrics/event-loop-delay.js';

async function scrape(registry: Registry): Promise<ReadonlyMap<string, number>> {
  const text = await registry.metrics();
  return new Map(
    [...text.matchAll(/^our_nodejs_eventloop_(\w+)_seconds (\S+)$/gm)].map(([, name, value]) => [name!, Number(value)]),
  );
}

/** Two looks of our own at the same pace. */
async function looksTaken(): Promise<void> {
  const own = monitorEventLoopDelay({ resolution: 100 });
  own.enable();
  while (own.count < 2) await new Promise((resolve) => setImmediate(resolve));
  own.disable();
}

test('a loop that stood still shows in the greatest delay, until it was scraped', async () => {
  const registry = new Registry();
  registerEventLoopDelay(registry, 'our_', systemClock);
  await looksTaken();
  const until = performance.now() + 700;
  while (performance.now() < until);
  await looksTaken();
  const stalled = await scrape(registry);
  expect([...stalled.keys()]).toEqual([
    'lag',
    'lag_min',
    'lag_max',
    'lag_mean',
    'lag_stddev',
    'lag_p50',
    'lag_p90',
    'lag_p99',
  ]);
  expect(stalled.get('lag_max')).toBeGreaterThan(0.5);
  // Not the pause between two looks.
  expect(stalled.get('lag_min')).toBeLessThan(stalled.get('lag_max')! / 2);
  const after = await scrape(registry);
  expect(after.get('lag_max')).toBeLessThan(0.5);
  expect([...after.values()].every((value) => value >= 0)).toBe(true);
});
