import { expect, test } from '@jest/globals';
import { Registry } from 'prom-client';
import type { StatusView } from '../../../src/admin/status-view.js';
import { PoolMetrics } from '../../../src/metrics/pool-metrics.js';

const EMPTY = {
  instance: {},
  front: {},
  mode: { leases: [] },
  pressure: { acts: [] },
  backends: [],
} as unknown as StatusView;

test.each([
  ['a standby that gets into traffic is a promotion', 'standby', 'active', { promotions: 1, failures: 0 }],
  ['a start into traffic is none', 'starting', 'active', { promotions: 0, failures: 0 }],
  ['a standby that is drained is none', 'standby', 'draining', { promotions: 0, failures: 0 }],
  ['a worker that fails is a failure', 'active', 'failed', { promotions: 0, failures: 1 }],
  ['one that has failed already is no other', 'failed', 'failed', { promotions: 0, failures: 0 }],
])('%s', async (_what, from, to, expected) => {
  const registry = new Registry();
  const metrics = new PoolMetrics();
  metrics.register(registry, () => EMPTY);
  metrics.onEvent({ kind: 'worker', backend: 'primary', from, to });
  const text = await registry.metrics();
  const count = (name: string) =>
    Number(new RegExp(`^understudy_${name}_total\\{backend="primary"\\} (\\d+)$`, 'm').exec(text)?.[1] ?? 0);
  expect({ promotions: count('promotions'), failures: count('worker_failures') }).toEqual(expected);
});
