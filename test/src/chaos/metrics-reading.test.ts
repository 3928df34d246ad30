import { expect, test } from '@jest/globals';
import { countsBy, parseMetrics, quantileSince } from '../../../src/chaos/metrics-reading.js';

const BEFORE = parseMetrics(`
# HELP queue from the head until an upstream was there
queue_bucket{le="0.01"} 10
queue_bucket{le="1"} 10
queue_bucket{le="+Inf"} 10
`);
const AFTER = parseMetrics(`
queue_bucket{le="0.01"} 11
queue_bucket{le="1"} 110
queue_bucket{le="+Inf"} 110
repeats_total{cause="upstream-reset",worker="a/1"} 2
repeats_total{cause="upstream-reset",worker="a/2"} 1
repeats_total{cause="say \\"no\\""} 1
repeats_total{cause="never"} 0
up 1
`);

test('a counter is added up by one label and leaves out what never happened', () => {
  expect([...countsBy(AFTER, 'repeats_total', 'cause')]).toEqual([
    ['upstream-reset', 3],
    ['say \\"no\\"', 1],
  ]);
});

test('a quantile is the bound of the bucket that holds it and counts only what came since', () => {
  expect(quantileSince('queue', 0.5, { before: BEFORE, after: AFTER })).toBe(1);
  expect(quantileSince('queue', 0.01, { before: BEFORE, after: AFTER })).toBe(0.01);
  expect(quantileSince('queue', 0.5, { before: [], after: BEFORE })).toBe(0.01);
});

test('a quantile of nothing is no number', () => {
  expect(quantileSince('queue', 0.5, { before: AFTER, after: AFTER })).toBeNaN();
});
