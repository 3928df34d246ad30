import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { GradientLimit, nextGradient, type GradientState } from '../../proxy/gradient-limit.js';
import { DispatchRig } from '../support/dispatch-rig.js';

const options = { lowest: 2, initial: 16, highest: 100 };

function after(
  windows: readonly { meanMs: number; peakInflight: number }[],
  from: GradientState = { limit: 16, longMs: 0 },
) {
  return windows.reduce((state, window) => nextGradient(state, window, options), from);
}

describe('the gradient limit', () => {
  test('grows while latency stays and the limit is used', () => {
    const state = after(Array.from({ length: 200 }, () => ({ meanMs: 10, peakInflight: 100 })));
    expect(state.limit).toBe(100);
  });

  test('does not grow when the limit is not used', () => {
    expect(after([{ meanMs: 10, peakInflight: 3 }]).limit).toBe(16);
  });

  test('shrinks when requests take longer than in the long run', () => {
    const settled = after(Array.from({ length: 50 }, () => ({ meanMs: 10, peakInflight: 100 })));
    const slowed = after(
      [
        { meanMs: 40, peakInflight: 100 },
        { meanMs: 40, peakInflight: 100 },
      ],
      settled,
    );
    expect(slowed.limit).toBeLessThan(settled.limit * 0.9);
  });

  test('forgets a bad time faster than it was learnt', () => {
    const bad: GradientState = { limit: 10, longMs: 1_000 };
    const better = after(
      Array.from({ length: 30 }, () => ({ meanMs: 10, peakInflight: 10 })),
      bad,
    );
    expect(better.longMs).toBeLessThan(60);
  });

  test('stays within its bounds, whatever is measured', () => {
    const window = fc.record({ meanMs: fc.double({ min: 0.01, max: 1e6, noNaN: true }), peakInflight: fc.nat(500) });
    fc.assert(
      fc.property(fc.array(window, { maxLength: 50 }), (windows) => {
        const { limit, longMs } = after(windows);
        expect(limit).toBeGreaterThanOrEqual(2);
        expect(limit).toBeLessThanOrEqual(100);
        expect(Number.isFinite(longMs)).toBe(true);
      }),
      { seed: 4 },
    );
  });

  test('judges by windows of at least a second and ten requests', () => {
    const limit = new GradientLimit(options);
    const judged = Array.from({ length: 12 }, (_, index) =>
      limit.sample({ durationMs: 5, inflight: 16, now: index * 100 }),
    );
    expect(judged.indexOf(true)).toBe(10);
    expect(limit.limit).toBeGreaterThanOrEqual(16);
  });

  test('makes requests wait in the proxy once a worker slows down, and lets them in again', () => {
    const rig = new DispatchRig({ gradient: { lowest: 1, initial: 2, highest: 2 } });
    rig.route(1);
    const requests = [rig.request(), rig.request(), rig.request()];
    expect(requests.map(({ place }) => place)).toEqual(['a/1', 'a/1', 'waiting']);
    requests[0]!.ticket!.giveBack('success');
    expect(requests[2]!.place).toBe('a/1');
  });
});
