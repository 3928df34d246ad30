// The launcher with real processes: what it launches and tells, and what becomes of its workers when it is lost.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Launcher } from '../../pool/launcher.js';
import { isGroupAlive, readProcess } from '../../pool/process-table.js';
import { signalGroup } from '../../pool/worker-process.js';
import type { ExitReport, LaunchSpec, WorkerProcess } from '../../pool/worker-runtime.js';
import { ManualClock } from '../support/manual-clock.js';
import { leftOvers } from '../support/pool-bench.js';

/** Longer than any test: it is ended by the test. */
const LASTING = ['sleep', '600'];

let dir: string;
let clock: ManualClock;
let launcher: Launcher;
let groups: Set<number>;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'understudy-launcher-'));
  clock = new ManualClock();
  launcher = new Launcher(clock);
  groups = new Set();
});

afterEach(async () => {
  const pid = launcher.pid;
  launcher.close();
  if (pid !== undefined) await untilGone(pid);
  for (const group of groups) signalGroup(group, 'SIGKILL');
  for (const group of groups) await untilGone(group);
  expect(leftOvers(groups)).toEqual([]);
  rmSync(dir, { recursive: true, force: true });
});

async function launch(command: readonly string[]): Promise<WorkerProcess> {
  const worker = await launcher.launch(specOf(command));
  if (worker.pid !== undefined) groups.add(worker.pid);
  return worker;
}

function specOf(command: readonly string[]): LaunchSpec {
  const place = { id: 'primary/1', backend: 'primary', worker: 1, generation: 1 };
  return { ...place, command, cwd: dir, env: { GREETING: 'hello' }, logFile: join(dir, 'logs', 'primary-1.log') };
}

function endOf(worker: WorkerProcess): Promise<ExitReport> {
  return new Promise((resolve) => worker.onExit(resolve));
}

async function untilGone(pid: number): Promise<void> {
  while (!['Z', undefined].includes(readProcess(pid)?.state)) await setImmediate();
}

/** Once a program has written its own there. */
async function pidIn(file: string): Promise<number> {
  while (!existsSync(file) || !readFileSync(file, 'utf8').endsWith('\n')) await setImmediate();
  return Number(readFileSync(file, 'utf8'));
}

async function untilAnotherLauncherThan(lost: number): Promise<void> {
  while (launcher.pid === lost) await setImmediate();
}

test('a worker is a child of the launcher, leads a group of its own, writes to its log, and its end is told', async () => {
  const worker = await launch(['sh', '-c', 'echo "$GREETING from $PWD"; exit 3']);
  await expect(endOf(worker)).resolves.toEqual({ code: 3 });
  expect(worker.lastOutput()).toBe(`hello from ${dir}`);
  const lasting = await launch(LASTING);
  expect(readProcess(lasting.pid!)).toMatchObject({ parent: launcher.pid, group: lasting.pid });
  lasting.signalGroup('SIGTERM');
  await expect(endOf(lasting)).resolves.toEqual({ signal: 'SIGTERM' });
});

test('what a worker leaves behind in its group is ended with it', async () => {
  const worker = await launch(['sh', '-c', 'sleep 600 & echo started']);
  await endOf(worker);
  // The signal is on its way; what is never ended would keep the test from its end.
  while (leftOvers(groups).length > 0) await setImmediate();
});

test('a program that does not exist is an end with the reason', async () => {
  const worker = await launch(['no-such-program-of-anybody']);
  expect(worker.pid).toBeUndefined();
  await expect(endOf(worker)).resolves.toMatchObject({ spawnErrorCode: 'ENOENT' });
});

test('a log that cannot be written is refused before anything is launched', async () => {
  writeFileSync(join(dir, 'logs'), 'a file where a folder should be');
  await expect(launch(['touch', 'launched'])).rejects.toThrow('EEXIST');
  expect(existsSync(join(dir, 'launched'))).toBe(false);
  expect(launcher.pid).toBeUndefined();
});

test('a worker whose log somebody has taken away has said nothing', async () => {
  const worker = await launch(['sh', '-c', 'echo hello; exec sleep 600']);
  rmSync(join(dir, 'logs'), { recursive: true });
  worker.signalGroup('SIGTERM');
  await endOf(worker);
  expect(worker.lastOutput()).toBe('');
});

test('when the launcher is killed its workers live on, their ends are told, and the next launch has another one', async () => {
  const worker = await launch(LASTING);
  const lost = launcher.pid!;
  process.kill(lost, 'SIGKILL');
  await untilAnotherLauncherThan(lost);
  expect(isGroupAlive(worker.pid!)).toBe(true);
  const next = await launch(LASTING);
  expect(readProcess(next.pid!)?.parent).toBe(launcher.pid);
  worker.signalGroup('SIGKILL');
  await untilGone(worker.pid!);
  clock.advance(100);
  await expect(endOf(worker)).resolves.toEqual({});
});

test('a launcher that is stopped is replaced: the launch that waits for it fails, an end that it did not tell is told', async () => {
  const worker = await launch(LASTING);
  const stopped = launcher.pid!;
  process.kill(stopped, 'SIGSTOP');
  const waiting = launcher.launch(specOf(LASTING));
  worker.signalGroup('SIGKILL');
  await untilGone(worker.pid!);
  clock.advance(5_000);
  expect(launcher.pid).toBe(stopped);
  clock.advance(5_000);
  await expect(waiting).rejects.toThrow('the process that launches workers was lost');
  clock.advance(100);
  await expect(endOf(worker)).resolves.toEqual({});
  await launch(LASTING);
  expect(launcher.pid).not.toBe(stopped);
});

test('closed while it launches, it ends what comes of it and leaves alone what runs', async () => {
  const running = await launch(LASTING);
  const pidFile = join(dir, 'pid');
  void launcher.launch(specOf(['sh', '-c', `echo $$ > ${pidFile}; exec sleep 600`])).catch(() => undefined);
  const pid = launcher.pid!;
  launcher.close();
  await untilGone(pid);
  expect(isGroupAlive(running.pid!)).toBe(true);
  // It was ended before it could say who it is, or after.
  if (existsSync(pidFile)) await untilGone(Number(readFileSync(pidFile, 'utf8')));
});

test('it keeps nobody up: a process that only has released workers ends by itself', async () => {
  const program = `
    import { Launcher } from ${JSON.stringify(new URL('../../pool/launcher.js', import.meta.url).href)};
    import { systemClock } from ${JSON.stringify(new URL('../../src/core/clock.js', import.meta.url).href)};
    const worker = await new Launcher(systemClock).launch(${JSON.stringify(specOf(LASTING))});
    process.stdout.write(String(worker.pid));
    worker.release();`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.on('data', (text) => (output += String(text)));
  await expect(once(child, 'exit')).resolves.toEqual([0, null]);
  groups.add(Number(output));
  expect(isGroupAlive(Number(output))).toBe(true);
});

describe('a program of a moment', () => {
  test('is run by the launcher, and its result is told', async () => {
    launcher.open();
    const result = await launcher.run(['sh', '-c', 'echo $PPID; echo oh >&2; exit 3'], 60_000);
    expect(result).toEqual({ kind: 'exited', code: 3, stdout: `${launcher.pid}\n`, stderr: 'oh\n' });
  });

  test('that does not exist is told so', async () => {
    await expect(launcher.run(['no-such-program-of-anybody'], 60_000)).resolves.toEqual({ kind: 'not-found' });
  });

  test('is overdue when a launcher that is stopped says nothing', async () => {
    launcher.open();
    process.kill(launcher.pid!, 'SIGSTOP');
    const result = launcher.run(['true'], 500);
    clock.advance(1_499);
    clock.advance(1);
    await expect(result).resolves.toEqual({ kind: 'overdue' });
    process.kill(launcher.pid!, 'SIGCONT');
  });

  test.each([
    ['lost', (pid: number) => process.kill(pid, 'SIGKILL')],
    ['closed', () => launcher.close()],
  ])('is not waited for when the launcher is %s', async (_what, end) => {
    launcher.open();
    const pid = launcher.pid!;
    const pidFile = join(dir, 'pid');
    const result = launcher.run(['sh', '-c', `echo $$ > ${pidFile}; exec sleep 600`], 60_000);
    groups.add(await pidIn(pidFile));
    end(pid);
    await expect(result).resolves.toMatchObject({
      kind: 'unrunnable',
      reason: expect.stringContaining('the process that runs programs was'),
    });
  });
});

test('programs that still run when it is let go are ended: nobody else would', async () => {
  const marker = join(dir, 'pid');
  const ran = launcher.run(
    ['sh', '-c', `echo $$ > ${marker}.new; mv ${marker}.new ${marker}; exec sleep 600`],
    600_000,
  );
  while (!existsSync(marker)) await setImmediate();
  const pid = Number(readFileSync(marker, 'utf8'));
  launcher.close();
  await expect(ran).resolves.toMatchObject({ kind: 'unrunnable' });
  await untilGone(pid);
});
