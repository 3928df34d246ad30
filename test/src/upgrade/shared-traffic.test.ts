// Two processes with one pool's orders, without the processes: what one says reaches the other in a later turn.
import { beforeEach, describe, expect, test } from '@jest/globals';
import { setImmediate } from 'node:timers/promises';
import type { UpstreamTarget } from '../../../src/core/traffic-port.js';
import type { TrafficNews } from '../../../src/upgrade/messages.js';
import { obey, SharedTraffic } from '../../../src/upgrade/shared-traffic.js';
import { RecordingTraffic } from '../../support/recording-traffic.js';

const upstream = { id: 'a/1', generation: 3 };
const target: UpstreamTarget = {
  ...upstream,
  backend: 'a',
  worker: 1,
  address: { kind: 'tcp', host: '127.0.0.1', port: 8000 },
  weight: 1,
  warm: true,
};

let own: RecordingTraffic;
let other: RecordingTraffic;
let gone: AbortController;
let shared: SharedTraffic;
let keptUp: boolean;

beforeEach(() => {
  own = new RecordingTraffic();
  other = new RecordingTraffic();
  gone = new AbortController();
  shared = new SharedTraffic(own);
  keptUp = false;
  shared.applyTargets([target]);
  const listeners: ((news: TrafficNews) => void)[] = [];
  const tell = (news: TrafficNews) => listeners.forEach((listener) => listener(news));
  shared.share({
    say: (order) => queueMicrotask(() => obey(order, other, tell)),
    hear: (listener) => listeners.push(listener),
    gone: gone.signal,
    keepUp: (on) => (keptUp = on),
  });
});

test('the other process has the targets of now, and every later ones', async () => {
  await setImmediate();
  shared.applyTargets([]);
  await setImmediate();
  expect(other.applied).toEqual([['a/1'], []]);
  expect(own.applied).toEqual([['a/1'], []]);
});

test('once handed over it hears another pool, and its own no more', () => {
  const ordered = shared.handOver();
  shared.applyTargets([]);
  expect(own.ids).toEqual(['a/1']);
  ordered.applyTargets([{ ...target, id: 'b/1' }]);
  expect(own.ids).toEqual(['b/1']);
});

test('what is in flight is ended in both', async () => {
  own.hold('a/1');
  other.hold('a/1', 'streams');
  expect(shared.abortInflight(upstream, { reason: 'drain-timeout' })).toBe(1);
  await setImmediate();
  expect(other.aborted).toEqual([{ id: 'a/1', reason: 'drain-timeout', kind: 'streams' }]);
});

test('handed over while the other process is still there, it passes on to that one what it hears', async () => {
  other.hold('a/1');
  const ordered = shared.handOver();
  ordered.applyTargets([]);
  ordered.abortInflight(upstream, { reason: 'drain-timeout' });
  await setImmediate();
  expect(other.applied).toEqual([['a/1'], []]);
  expect(other.aborted).toMatchObject([{ id: 'a/1', reason: 'drain-timeout' }]);
});

describe('whoever has handed over stays', () => {
  const hurry = new AbortController();

  test('until the other process has gone, and no longer', async () => {
    let alone = false;
    const waiting = shared.waitAlone(hurry.signal).then(() => (alone = true));
    await setImmediate();
    expect([alone, keptUp]).toEqual([false, true]);
    gone.abort();
    await waiting;
    expect(keptUp).toBe(false);
    await shared.waitAlone(hurry.signal);
  });

  test('for nobody where there is no other, and for nobody in a hurry', async () => {
    await new SharedTraffic(own).waitAlone(hurry.signal);
    const waiting = shared.waitAlone(hurry.signal);
    hurry.abort();
    await waiting;
    expect(keptUp).toBe(false);
  });
});

describe('an upstream is idle', () => {
  let idle: boolean;
  const wait = (signal?: AbortSignal) =>
    shared.waitIdle(upstream, signal).then(() => {
      idle = true;
    });

  beforeEach(() => {
    idle = false;
  });

  test('at once where nothing is in flight', async () => {
    await wait();
    expect(idle).toBe(true);
  });

  test('once nothing is in flight on it in either process', async () => {
    own.hold('a/1');
    other.hold('a/1');
    const waiting = wait();
    await setImmediate();
    own.release('a/1');
    await setImmediate();
    expect(idle).toBe(false);
    other.release('a/1');
    await waiting;
  });

  test('once the other process has gone', async () => {
    other.hold('a/1');
    const waiting = wait();
    await setImmediate();
    expect(idle).toBe(false);
    gone.abort();
    await waiting;
    other.hold('a/1');
    await wait();
  });

  test('never for whoever gives up', async () => {
    other.hold('a/1');
    const givenUp = new AbortController();
    const waiting = expect(wait(givenUp.signal)).rejects.toThrow('enough');
    await setImmediate();
    givenUp.abort(new Error('enough'));
    await waiting;
    await expect(wait(givenUp.signal)).rejects.toThrow('enough');
  });
});
