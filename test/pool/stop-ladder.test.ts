// How a process is ended, step by step, on a clock that the test moves.
import { setImmediate } from 'node:timers/promises';
import { beforeEach, expect, test } from '@jest/globals';
import { stopProcess } from '../../pool/stop-ladder.js';
import { FakeProcess } from '../support/fake-worker-runtime.js';
import { ManualClock } from '../support/manual-clock.js';

const GRACE_MS = 10_000;

let clock: ManualClock;
let worker: FakeProcess;

beforeEach(() => {
  clock = new ManualClock();
  const place = { id: 'primary/1', backend: 'primary', worker: 1, generation: 1 };
  worker = new FakeProcess(100, { ...place, command: ['server'], cwd: '/', env: {}, logFile: '/log' });
});

test('one that leaves when it is asked to has left', async () => {
  await expect(stopProcess(worker, { clock, graceMs: GRACE_MS })).resolves.toBe('left');
  expect(worker.alive).toBe(false);
});

test('one that does not is killed after its grace', async () => {
  worker.deaf = true;
  const stopped = stopProcess(worker, { clock, graceMs: GRACE_MS });
  clock.advance(GRACE_MS - 1);
  await setImmediate();
  expect(worker.alive).toBe(true);
  clock.advance(1);
  await expect(stopped).resolves.toBe('killed');
});

test('one that we may not signal is told as such after its grace, and is waited for no longer', async () => {
  worker.foreign = true;
  const stopped = stopProcess(worker, { clock, graceMs: GRACE_MS });
  clock.advance(GRACE_MS);
  await expect(stopped).resolves.toBe('refused');
  expect(worker.alive).toBe(true);
});

test('one that we may not signal at first, and leaves by itself, has left', async () => {
  worker.foreign = true;
  const stopped = stopProcess(worker, { clock, graceMs: GRACE_MS });
  worker.exit({ code: 0, signal: undefined });
  await expect(stopped).resolves.toBe('left');
});

test('one that we may signal by the end of its grace is killed', async () => {
  worker.foreign = true;
  const stopped = stopProcess(worker, { clock, graceMs: GRACE_MS });
  worker.foreign = false;
  clock.advance(GRACE_MS);
  await expect(stopped).resolves.toBe('killed');
});

test('one that the kernel can not end is waited for no longer than ten seconds more', async () => {
  worker.undying = true;
  const stopped = stopProcess(worker, { clock, graceMs: GRACE_MS });
  clock.advance(GRACE_MS);
  await setImmediate();
  clock.advance(10_000);
  await expect(stopped).resolves.toBe('undying');
});
