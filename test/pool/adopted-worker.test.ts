// What becomes of a worker that an earlier Understudy left in traffic: on a machine in memory.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { LaunchTurns } from '../../pool/launch-turns.js';
import { Worker, type Adoption } from '../../pool/worker.js';
import { launchSpecOf } from '../../pool/worker-place.js';
import { FakeProcess, FakeWorkerRuntime } from '../support/fake-worker-runtime.js';
import { ManualClock } from '../support/manual-clock.js';
import { planOptions } from '../support/observed-workers.js';
import { passTime } from '../support/pass-time.js';
import { RecordingTraffic } from '../support/recording-traffic.js';

const HOST = '127.0.0.1';
const PORT = 9_100;

const http = { method: 'POST', timeoutMs: 1_000 };
const HOOKS = {
  demote: { ...http, path: '/sleep' },
  promote: { ...http, path: '/wake_up' },
  golden: { ...http, path: '/golden' },
};

let clock: ManualClock;
let runtime: FakeWorkerRuntime;
let process: FakeProcess;
let worker: Worker;

beforeEach(() => {
  clock = new ManualClock();
  runtime = new FakeWorkerRuntime(clock);
  worker = new Worker({ name: 'primary', host: HOST, port: PORT }, 1, {
    options: { ...planOptions, sleepHooks: HOOKS },
    traffic: new RecordingTraffic(),
    runtime,
    clock,
    random: () => 0.5,
    portsInUse: new Set(),
    turns: new LaunchTurns(clock),
    hurry: new AbortController().signal,
    usesBusyGpu: () => false,
    isHeld: () => false,
  });
  const facts = { id: worker.id, number: 1, generation: 3, port: PORT, forks: 1, modeEnv: {}, key: 'any' };
  const spec = launchSpecOf(planOptions, { name: 'primary', host: HOST, port: PORT }, facts);
  process = new FakeProcess(4_711, spec);
  process.ready = true;
  runtime.processes.push(process);
});

afterEach(async () => {
  if (['starting', 'active', 'standby'].includes(worker.state.kind)) worker.stop({ cause: 'the test is over' });
  await passTime(clock, planOptions.stop.graceMs);
  expect(clock.pendingTimers).toBe(0);
});

function adopt(state: Adoption['state']): void {
  const launched = {
    process,
    address: { kind: 'tcp', host: HOST, port: PORT },
    spec: process.spec,
    key: 'any',
  } as const;
  worker.adopt({ launched, generation: 3, restarts: 0, forks: 1, state }, { cause: 'it was left' });
}

describe('a worker that is adopted out of traffic', () => {
  test('serves from the first moment, and is well with its first answer', async () => {
    adopt('active');
    expect(worker).toMatchObject({ serving: true, verdict: 'suspect' });
    await passTime(clock, 250);
    expect(worker).toMatchObject({ serving: true, verdict: 'well' });
  });

  test('serves no longer at the first connection that it refuses', async () => {
    process.ready = false;
    adopt('active');
    await passTime(clock, 250);
    expect(worker).toMatchObject({ serving: false, verdict: 'down' });
  });

  test('is ended when it answers none of its probes', async () => {
    process.silent = true;
    adopt('active');
    await passTime(clock, 10_000);
    expect(process.alive).toBe(false);
    expect(worker.lastError?.message).toMatch(/3 probes in a row failed/);
  });
});

test('a worker that is still starting tells what its last probe said, once it was asked', async () => {
  process.ready = false;
  adopt('starting');
  expect(worker.lastProbe).toBeUndefined();
  await passTime(clock, 250);
  expect(worker.lastProbe).toBe('refused the connection');
});

test('a sleeping worker that is adopted sleeps on, unasked, until it is woken', async () => {
  adopt('asleep');
  expect(worker.state).toMatchObject({ kind: 'standby', temperature: 'asleep' });
  process.ready = false;
  await passTime(clock, 60_000);
  expect(worker.verdict).toBe('suspect');
  process.ready = true;
  worker.wake({ cause: 'it is needed' });
  await passTime(clock, 250);
  expect(runtime.hooks).toEqual(['4711 /wake_up', '4711 /golden']);
  expect(worker.state).toMatchObject({ kind: 'standby', temperature: 'hot' });
});

test('a frozen worker that is adopted can be promoted at once', () => {
  process.signalGroup('SIGSTOP');
  adopt('frozen');
  expect(worker.willing).toBe(true);
  worker.promote({ cause: 'it is needed' });
  expect(worker.serving).toBe(true);
  expect(process.stopped).toBe(false);
});
