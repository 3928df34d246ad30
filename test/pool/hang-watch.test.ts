import { beforeEach, describe, expect, test } from '@jest/globals';
import { HangWatch } from '../../pool/hang-watch.js';
import type { Vitals } from '../../pool/worker-runtime.js';
import type { UpstreamTraffic } from '../../src/core/traffic-port.js';
import { ManualClock } from '../support/manual-clock.js';

const LIMIT_MS = 90_000;
const STEP_MS = 250;

let clock: ManualClock;
let waitingSinceMs: number | undefined;
let bytesMoved: number;
let cpuTicks: number;
let runnable: boolean;
let gpuBusy: boolean;
let visible: boolean;
let looks: number;

beforeEach(() => {
  clock = new ManualClock();
  waitingSinceMs = clock.now();
  bytesMoved = cpuTicks = looks = 0;
  runnable = gpuBusy = false;
  visible = true;
});

function traffic(): UpstreamTraffic {
  const oldestWaitingMs = waitingSinceMs === undefined ? 0 : clock.now() - waitingSinceMs;
  const counts = { inflight: 3, requests: 3, failures: 0, breaker: 'closed' } as const;
  return { ...counts, bytesMoved, oldestInflightMs: clock.now(), oldestWaitingMs };
}

function vitals(): Vitals | undefined {
  looks += 1;
  if (!visible) return undefined;
  return { cpuTicks, residentBytes: 0, stopped: false, runnable };
}

/** Asks four times a second for so long; the first hang that is found. */
function watchFor(ms: number, each: (passedMs: number) => void = () => undefined, limitMs = LIMIT_MS) {
  const watch = new HangWatch({ clock, limitMs: () => limitMs, vitals, traffic, usesBusyGpu: () => gpuBusy });
  for (let passedMs = 0; passedMs < ms; passedMs += STEP_MS) {
    clock.advance(STEP_MS);
    each(passedMs);
    const hungMs = watch.findHang();
    if (hungMs !== undefined) return hungMs;
  }
  return undefined;
}

describe('a worker hangs', () => {
  test('when a request waits and nothing moves for longer than the limit', () => {
    expect(watchFor(LIMIT_MS)).toBeUndefined();
    expect(watchFor(1.1 * LIMIT_MS)).toBeGreaterThanOrEqual(LIMIT_MS);
  });

  test('when all it does is to answer probes', () => {
    expect(watchFor(1.1 * LIMIT_MS, (passedMs) => (cpuTicks = passedMs / 2_500))).toBeDefined();
  });
});

describe('a worker does not hang', () => {
  test('while nobody waits for an answer, however silent its streams are', () => {
    waitingSinceMs = undefined;
    expect(watchFor(3 * LIMIT_MS)).toBeUndefined();
    expect(looks).toBe(0);
  });

  test.each([
    ['it computes', (passedMs: number) => (cpuTicks = passedMs / 500)],
    ['a byte moves now and then', (passedMs: number) => (bytesMoved = Math.floor(passedMs / 60_000))],
    ['its GPU computes', () => (gpuBusy = true)],
    ['an overloaded machine gives it no CPU', () => (runnable = true)],
    ["it can't be seen", () => (visible = false)],
    ["it can't be seen now and then", (passedMs: number) => (visible = passedMs % 60_000 > 5_000)],
    [
      'it is always another request that waits',
      (passedMs: number) => passedMs % 60_000 === 0 && (waitingSinceMs = clock.now()),
    ],
  ])('while %s', (_what, each) => {
    expect(watchFor(3 * LIMIT_MS, each)).toBeUndefined();
  });

  test('where the limit is off', () => {
    expect(watchFor(3 * LIMIT_MS, undefined, 0)).toBeUndefined();
  });
});

test('its process is looked at seldom, since a look is not free', () => {
  watchFor(LIMIT_MS);
  expect(looks).toBeLessThanOrEqual(30);
});
