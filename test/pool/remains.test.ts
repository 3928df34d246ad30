import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { ExitNews } from '../../pool/exit-news.js';
import { Remains } from '../../pool/remains.js';
import type { WorkerProcess } from '../../pool/worker-runtime.js';
import { ManualClock } from '../support/manual-clock.js';

let member: ChildProcess;
let clock: ManualClock;
let remains: Remains;
let leader: ExitNews;

beforeEach(async () => {
  // Stands for what is left in a group: its leader's end is told by the test.
  member = spawn('sleep', ['1000'], { detached: true, stdio: 'ignore' });
  await once(member, 'spawn');
  clock = new ManualClock();
  remains = new Remains(clock);
  leader = new ExitNews();
  const process = { pid: member.pid, onExit: (listener) => leader.subscribe(listener) } as Partial<WorkerProcess>;
  remains.watch(process as WorkerProcess);
});

afterEach(() => void member.kill('SIGKILL'));

const EXIT = { code: undefined, signal: 'SIGKILL' };

test('a group whose leader runs is nobody that is waited for', async () => {
  await remains.gone();
});

test('the rest of a group is waited for until it is gone', async () => {
  leader.publish(EXIT);
  let isGone = false;
  const gone = remains.gone().then(() => (isGone = true));
  clock.advance(1_000);
  await setImmediate();
  expect(isGone).toBe(false);
  const exited = once(member, 'exit');
  member.kill('SIGKILL');
  await exited;
  clock.advance(10);
  await gone;
});

test('what the kernel does not end is given up after 5 s', async () => {
  leader.publish(EXIT);
  const gone = remains.gone();
  clock.advance(5_000);
  await gone;
});
