// What an earlier Understudy left and nobody can use: on a machine in memory.
import { beforeEach, expect, test } from '@jest/globals';
import { Orphans, type Orphan } from '../../pool/orphans.js';
import { FakeProcess, FakeWorkerRuntime } from '../support/fake-worker-runtime.js';
import { ManualClock } from '../support/manual-clock.js';
import { passTime } from '../support/pass-time.js';
import { RecordingTraffic } from '../support/recording-traffic.js';

const GRACE_MS = 10_000;
const DRAIN_MS = 30_000;
const primary = { id: 'primary/1', number: 1, backend: { name: 'primary', host: '127.0.0.1', port: 8_000 } };
const further = { ...primary, id: 'primary/2', number: 2 };
const renamed = { ...primary, id: 'first/1', backend: { ...primary.backend, name: 'first' } };
const other = { id: 'other/1', number: 1, backend: { name: 'other', host: '127.0.0.1', port: 8_001 } };

let clock: ManualClock;
let runtime: FakeWorkerRuntime;
let hurry: AbortController;
let orphans: Orphans;
let traffic: RecordingTraffic;
let told: string[];

beforeEach(() => {
  clock = new ManualClock();
  runtime = new FakeWorkerRuntime(clock);
  hurry = new AbortController();
  traffic = new RecordingTraffic();
  told = [];
  orphans = new Orphans({
    runtime,
    clock,
    traffic,
    stop: () => ({ drainTimeoutMs: DRAIN_MS, streamDrainTimeoutMs: DRAIN_MS, graceMs: GRACE_MS }),
    hurry: hurry.signal,
    onEnding: ({ pid }) => told.push(`${pid} is ended`),
    onSettled: ({ pid }, outcome) => told.push(`${pid} ${outcome}`),
  });
});

function leave(pid: number, facts: Partial<FakeProcess> = {}): Orphan {
  const spec = { id: 'primary/1', backend: 'primary', worker: 1, generation: 1, command: [], cwd: '/', logFile: '' };
  const process = Object.assign(new FakeProcess(pid, { ...spec, env: { UNDERSTUDY_PORT: '8000' } }), facts);
  runtime.processes.push(process);
  return { pid, startTicks: 1, what: 'primary/1', port: 8_000 };
}

test('an orphan is in the way of the worker that it was and of whoever has its port, until it has ended', async () => {
  orphans.note([leave(1)]);
  expect([primary, further, renamed, other].map((worker) => orphans.blocks(worker))).toEqual([
    true,
    false,
    true,
    false,
  ]);
  expect(runtime.living).toHaveLength(1);
  await orphans.end();
  expect(runtime.living).toEqual([]);
  expect(orphans.blocks(primary)).toBe(false);
  expect(told).toEqual(['1 is ended', '1 ended']);
});

test('one that nobody can end keeps neither the others nor, for long, its place', async () => {
  orphans.note([leave(1, { undying: true }), { ...leave(2), what: 'other/1', port: 8_001 }]);
  const ended = orphans.end();
  await passTime(clock, GRACE_MS);
  expect(told).toEqual(['1 is ended', '2 is ended', '2 ended']);
  expect([primary, other].map((worker) => orphans.blocks(worker))).toEqual([true, false]);
  await passTime(clock, 10_000);
  await ended;
  expect(told.at(-1)).toBe('1 left');
  expect(orphans.blocks(primary)).toBe(false);
  expect(clock.pendingTimers).toBe(0);
});

test('one that may not be signalled is given up after its grace', async () => {
  orphans.note([
    leave(1, {
      signalGroup: () => {
        throw new Error('EPERM');
      },
    }),
  ]);
  const ended = orphans.end();
  await passTime(clock, GRACE_MS);
  await ended;
  expect(told).toEqual(['1 is ended', '1 left']);
});

test('one on which another process still has requests is ended once they are over, or their time is', async () => {
  const upstream = { id: 'primary/1', generation: 1 };
  orphans.note([{ ...leave(1), upstream }]);
  traffic.hold('primary/1');
  const ended = orphans.end();
  await passTime(clock, DRAIN_MS - 250);
  expect(runtime.living).toHaveLength(1);
  await passTime(clock, 250);
  await ended;
  expect(traffic.aborted).toMatchObject([{ id: 'primary/1', reason: 'drain-timeout' }]);
  expect(runtime.living).toEqual([]);
});

test('their graces are cut short in a hurry', async () => {
  orphans.note([leave(1, { deaf: true })]);
  const ended = orphans.end();
  await passTime(clock, 250);
  expect(runtime.living).toHaveLength(1);
  hurry.abort();
  await ended;
  expect(runtime.living).toEqual([]);
});
