// Real processes whose group we may not signal: what goes wrong with the clean-up after a leader's end is nobody's end.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { adoptProcess } from '../../pool/adopted-process.js';
import { trySignal } from '../../pool/try-signal.js';
import { launchWorkerProcess, signalGroup } from '../../pool/worker-process.js';
import type { ExitReport } from '../../pool/worker-runtime.js';
import { ManualClock } from '../support/manual-clock.js';

let folder: string;
let leader: ChildProcess;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'understudy-foreign-'));
  leader = spawn('sleep', ['600'], { detached: true, stdio: 'ignore' });
  await once(leader, 'spawn');
  // As the kernel answers where every process of the group is another user's.
  jest.spyOn(process, 'kill').mockImplementation(() => {
    throw Object.assign(new Error('kill EPERM'), { code: 'EPERM' });
  });
});

afterEach(async () => {
  jest.restoreAllMocks();
  const ended = once(leader, 'exit');
  leader.kill('SIGKILL');
  await ended;
  rmSync(folder, { recursive: true });
});

test('the end of an adopted one is told', () => {
  const clock = new ManualClock();
  // No process has this start: the one that is meant has ended.
  const adopted = adoptProcess({ pid: leader.pid!, startTicks: -1, logFile: '' }, clock);
  const told = jest.fn();
  adopted.onExit(told);
  clock.advance(0);
  expect(told).toHaveBeenCalledTimes(1);
});

test('the end of a launched one is told', async () => {
  const place = { id: 'primary/1', backend: 'primary', worker: 1, generation: 1 };
  const logFile = join(folder, 'worker.log');
  const worker = launchWorkerProcess({ ...place, command: ['sh', '-c', 'exit 3'], cwd: folder, env: {}, logFile });
  const report = await new Promise<ExitReport>((resolve) => worker.onExit(resolve));
  expect(report.code).toBe(3);
});

test('a refusal is told to who asks for it, and thrown at who does not', () => {
  const target = { signalGroup: () => signalGroup(leader.pid!, 'SIGTERM') };
  expect(trySignal(target, 'SIGTERM')).toBe('refused');
  expect(target.signalGroup).toThrow('EPERM');
});
