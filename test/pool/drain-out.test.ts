import { setImmediate } from 'node:timers/promises';
import { beforeEach, expect, test } from '@jest/globals';
import { drainOut } from '../../pool/drain-out.js';
import { ManualClock } from '../support/manual-clock.js';
import { RecordingTraffic } from '../support/recording-traffic.js';

const UPSTREAM = { id: 'primary/1', generation: 1 };

let clock: ManualClock;
let traffic: RecordingTraffic;
let cut: AbortController;
let hurry: AbortController;

beforeEach(() => {
  clock = new ManualClock();
  traffic = new RecordingTraffic();
  cut = new AbortController();
  hurry = new AbortController();
});

function drain(drainTimeoutMs: number, streamDrainTimeoutMs: number): { ended: number | undefined } {
  const stop = { drainTimeoutMs, streamDrainTimeoutMs };
  const result: { ended: number | undefined } = { ended: undefined };
  void drainOut(UPSTREAM, { traffic, clock, stop, cut: cut.signal, hurry: hurry.signal }).then(
    (ended) => (result.ended = ended),
  );
  return result;
}

async function pass(ms: number): Promise<void> {
  clock.advance(ms);
  await setImmediate();
}

test('a drain is over at once when nothing is in flight', async () => {
  const result = drain(100, 100);
  await setImmediate();
  expect([result.ended, clock.pendingTimers]).toEqual([0, 0]);
});

test.each([
  ['requests', 'requests', { drainTimeoutMs: 100, streamDrainTimeoutMs: 500 }],
  ['streams', 'streams', { drainTimeoutMs: 500, streamDrainTimeoutMs: 100 }],
] as const)('a drain ends %s when their time is over, and not those that have longer', async (_what, kind, times) => {
  traffic.hold('primary/1', kind);
  const result = drain(times.drainTimeoutMs, times.streamDrainTimeoutMs);
  await pass(99);
  expect(traffic.aborted).toEqual([]);
  await pass(1);
  expect(traffic.aborted).toEqual([{ id: 'primary/1', reason: 'drain-timeout', kind }]);
  expect([result.ended, clock.pendingTimers]).toEqual([1, 0]);
});

test.each(['requests', 'streams'] as const)(
  'a drain ends whatever is left when both times are over: %s',
  async (kind) => {
    const times = kind === 'streams' ? [100, 500] : [500, 100];
    traffic.hold('primary/1', kind);
    const result = drain(times[0]!, times[1]!);
    await pass(499);
    expect(result.ended).toBeUndefined();
    await pass(1);
    expect(result.ended).toBe(1);
  },
);

test('a drain ends everything at once when it is told to hurry', async () => {
  traffic.hold('primary/1', 'streams');
  const result = drain(100, 100);
  hurry.abort();
  await setImmediate();
  expect([result.ended, traffic.aborted.length, clock.pendingTimers]).toEqual([1, 1, 0]);
});

test('a drain that is cut ends nothing', async () => {
  traffic.hold('primary/1');
  const result = drain(100, 100);
  cut.abort();
  await setImmediate();
  expect([result.ended, traffic.aborted.length, clock.pendingTimers]).toEqual([0, 0, 0]);
});
