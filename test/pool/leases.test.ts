import { beforeEach, describe, expect, test } from '@jest/globals';
import { Leases, type Lease } from '../../pool/leases.js';
import { ManualClock } from '../support/manual-clock.js';

const REQUEST = { holder: 'nightly', mode: 'validation', ttlMs: 1_000 };

let clock: ManualClock;
let expired: Lease[];
let leases: Leases;

beforeEach(() => {
  clock = new ManualClock();
  expired = [];
  let draw = 0;
  const random = () => (draw++ % 100) / 100;
  leases = new Leases({ clock, random, onExpired: (lease) => expired.push(lease) });
});

describe('a lease', () => {
  test('does not run out before its first renewal', () => {
    const { id } = leases.take(REQUEST, 1);
    clock.advance(10_000);
    expect(leases.has(id)).toBe(true);
    expect(leases.remainingMs(id)).toBe(1_000);
  });

  test('runs out once, after its time, when it is not renewed', () => {
    const lease = leases.renew(leases.take(REQUEST, 1).id);
    clock.advance(999);
    expect(leases.remainingMs(lease.id)).toBe(1);
    clock.advance(1);
    expect(expired).toEqual([lease]);
    expect(leases.all).toEqual([]);
    clock.advance(10_000);
    expect(expired).toHaveLength(1);
  });

  test('lives on, with the time of the latest renewal, when it is renewed', () => {
    const { id } = leases.take(REQUEST, 1);
    leases.renew(id);
    clock.advance(900);
    expect(leases.renew(id, 5_000).ttlMs).toBe(5_000);
    clock.advance(4_999);
    expect(expired).toEqual([]);
    clock.advance(1);
    expect(expired).toHaveLength(1);
  });

  test('leaves no timer when it is given back', () => {
    const { id } = leases.take(REQUEST, 1);
    leases.renew(id);
    leases.end(id);
    expect(clock.pendingTimers).toBe(0);
    clock.advance(10_000);
    expect(expired).toEqual([]);
  });

  test.each(['renew', 'end'] as const)('is unknown to %s when it has ended', (action) => {
    const { id } = leases.take(REQUEST, 1);
    leases.end(id);
    expect(() => leases[action](id)).toThrow(expect.objectContaining({ code: 'unknown-lease' }));
  });

  test('gets an id of its own when chance repeats itself', () => {
    const always = new Leases({ clock, random: repeating([0.5, 0.5, 0.25]), onExpired: () => undefined });
    expect(always.take(REQUEST, 1).id).not.toBe(always.take(REQUEST, 2).id);
  });
});

function repeating(values: readonly number[]): () => number {
  let index = 0;
  return () => values[index++ % values.length]!;
}
