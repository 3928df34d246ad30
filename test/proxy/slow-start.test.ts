import { describe, expect, test } from '@jest/globals';
import { rampLimit } from '../../proxy/slow-start.js';
import { DispatchRig } from '../support/dispatch-rig.js';
import { targetFor } from '../support/proxy-rig.js';

describe('the ramp', () => {
  test.each([
    [0, 40, 1],
    [250, 40, 11],
    [500, 40, 21],
    [999, 40, 40],
    [1_000, 40, 41],
    [5_000, 40, 41],
    [500, 0, 1],
  ])('allows at %i ms beside a peer with %i in flight %i', (ageMs, peerInflight, expected) => {
    expect(rampLimit({ ageMs, windowMs: 1_000, peerInflight })).toBe(expected);
  });
});

describe('slow start', () => {
  function rigWithFreshOne(load: number) {
    const rig = new DispatchRig({ slowStartMs: 1_000 });
    rig.upstreams.apply([targetFor(1, 0)]);
    for (let index = 0; index < load; index += 1) rig.request();
    rig.upstreams.apply([targetFor(1, 0), { ...targetFor(2, 1), warm: false }]);
    const [seasoned, fresh] = rig.upstreams.eligible;
    return { rig, seasoned: seasoned!, fresh: fresh! };
  }

  test('gives a fresh worker one request at once at first, and its share when the window is over', () => {
    const { rig, seasoned, fresh } = rigWithFreshOne(10);
    for (let index = 0; index < 4; index += 1) rig.request();
    expect([seasoned.inflight, fresh.inflight]).toEqual([13, 1]);
    rig.clock.advance(500);
    for (let index = 0; index < 8; index += 1) rig.request();
    expect([seasoned.inflight, fresh.inflight]).toEqual([14, 8]);
    rig.clock.advance(500);
    for (let index = 0; index < 6; index += 1) rig.request();
    expect([seasoned.inflight, fresh.inflight]).toEqual([14, 14]);
  });

  test('never makes a request wait: a fresh worker takes what nobody else can', () => {
    const rig = new DispatchRig({ slowStartMs: 1_000, maxInflight: 2 });
    rig.upstreams.apply([targetFor(1, 0), { ...targetFor(2, 1), warm: false }]);
    const places = Array.from({ length: 5 }, () => rig.request().place);
    expect(places.slice(0, 4).sort()).toEqual(['a/1', 'a/1', 'b/1', 'b/1']);
    expect(places[4]).toBe('waiting');
  });

  test('spares nobody where all are fresh, and no promoted standby', () => {
    const rig = new DispatchRig({ slowStartMs: 1_000 });
    rig.route(2, { warm: false });
    for (let index = 0; index < 8; index += 1) rig.request();
    expect(rig.upstreams.eligible.map(({ inflight }) => inflight)).toEqual([4, 4]);
    rig.upstreams.apply([...rig.upstreams.eligible.map(({ target }) => target), targetFor(3, 2)]);
    for (let index = 0; index < 4; index += 1) rig.request();
    expect(rig.upstreams.eligible.map(({ inflight }) => inflight)).toEqual([4, 4, 4]);
  });

  test('an idle fresh worker still gets its turn', () => {
    const { rig, fresh } = rigWithFreshOne(0);
    for (let index = 0; index < 4; index += 1) rig.request().ticket!.giveBack('success');
    expect(fresh.requests).toBe(2);
  });
});
