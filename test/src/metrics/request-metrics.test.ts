import { beforeEach, describe, expect, test } from '@jest/globals';
import { Registry } from 'prom-client';
import type { RequestRecord } from '../../../proxy/index.js';
import { RequestMetrics } from '../../../src/metrics/request-metrics.js';

const SERVED: RequestRecord = {
  id: 'r1',
  method: 'GET',
  path: '/secret?token=1',
  status: 200,
  upstream: 'primary/1',
  attempts: 1,
  durationMs: 3,
  queuedMs: 0.2,
  firstByteMs: 2,
  bytesIn: 10,
  bytesOut: 100,
  endedBy: 'served',
  phase: 'done',
  client: undefined,
  code: undefined,
};

let metrics: RequestMetrics;
let registry: Registry;

beforeEach(() => {
  metrics = new RequestMetrics();
  registry = new Registry();
  metrics.register(registry);
});

async function linesOf(name: string): Promise<string[]> {
  const text = await registry.metrics();
  return text.split('\n').filter((line) => line.startsWith(name));
}

describe('request metrics', () => {
  test('count by upstream, status class and who ended it', async () => {
    metrics.onRequest(SERVED);
    metrics.onRequest(SERVED);
    metrics.onRequest({ ...SERVED, status: 499, endedBy: 'client' });
    metrics.onRequest({ ...SERVED, upstream: undefined, status: 503, endedBy: 'proxy', code: 'waiting-room-full' });
    expect(await linesOf('understudy_requests_total')).toEqual([
      'understudy_requests_total{upstream="primary/1",status="2xx",ended_by="served"} 2',
      'understudy_requests_total{upstream="primary/1",status="4xx",ended_by="client"} 1',
      'understudy_requests_total{upstream="none",status="5xx",ended_by="proxy"} 1',
    ]);
    expect(await linesOf('understudy_problems_total')).toEqual([
      'understudy_problems_total{code="waiting-room-full"} 1',
    ]);
  });

  test('put a duration into every bucket at or above it', async () => {
    metrics.onRequest({ ...SERVED, durationMs: 2.5 });
    metrics.onRequest({ ...SERVED, durationMs: 500_000 });
    const lines = await linesOf('understudy_request_duration_seconds');
    const countAt = (le: string) =>
      lines
        .find((line) => line.includes(`le="${le}"`))
        ?.split(' ')
        .at(-1);
    expect(['0.001', '0.0025', '120', '+Inf'].map(countAt)).toEqual(['0', '1', '1', '2']);
    expect(lines.slice(-2)).toEqual([
      'understudy_request_duration_seconds_sum{upstream="primary/1"} 500.0025',
      'understudy_request_duration_seconds_count{upstream="primary/1"} 2',
    ]);
  });

  test('have no first byte where no answer came', async () => {
    metrics.onRequest({ ...SERVED, firstByteMs: undefined });
    expect((await linesOf('understudy_first_byte_seconds_count'))[0]).toMatch(/ 0$/);
  });

  test('count repeats, refused ones and bytes', async () => {
    metrics.onRequest(SERVED);
    metrics.onRepeat('upstream-reset');
    metrics.onRepeatRefused('budget');
    expect(await linesOf('understudy_repeats')).toEqual([
      'understudy_repeats_total{cause="upstream-reset"} 1',
      'understudy_repeats_refused_total{reason="budget"} 1',
    ]);
    expect(await linesOf('understudy_response_bytes_total')).toEqual(['understudy_response_bytes_total 100']);
  });

  test('never have the path as a label', async () => {
    metrics.onRequest(SERVED);
    expect(await registry.metrics()).not.toContain('secret');
  });
});
