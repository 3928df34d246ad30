import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { acquireInstanceLock } from '../../src/instance-lock.js';
import { livingOwner } from '../../src/instance-owner.js';

let runtimeDir: string;
let pidFile: string;

beforeEach(() => {
  runtimeDir = mkdtempSync(join(tmpdir(), 'understudy-lock-'));
  pidFile = join(runtimeDir, 'understudy.pid');
});
afterEach(() => rmSync(runtimeDir, { recursive: true, force: true }));

/** Takes the lock and names another process as the one that has it. */
function heldBy(pid: number, startTicks: number): void {
  writeFileSync(pidFile, `${pid} ${startTicks}\n`);
}

/** Field 22 of proc_pid_stat(5). */
function startTicksOf(pid: number): number {
  return Number(
    readFileSync(`/proc/${pid}/stat`, 'latin1')
      .replace(/^.*\) /s, '')
      .split(' ')[19],
  );
}

describe('the instance lock', () => {
  test('names the living process that has it', () => {
    heldBy(process.ppid, startTicksOf(process.ppid));
    expect(() => acquireInstanceLock(runtimeDir)).toThrow(
      expect.objectContaining({
        code: 'already-running',
        message: expect.stringContaining(`pid ${process.ppid}`),
      }),
    );
  });

  test('is free when its pid is that of another process by now, whatever that one is called', async () => {
    const stranger = spawn(process.execPath, ['-e', 'process.stdin.resume()', 'some-cli.js'], {
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    await once(stranger, 'spawn');
    for (const text of [`${stranger.pid} 1\n`, `${stranger.pid}\n`, 'no pid\n', '']) {
      writeFileSync(pidFile, text);
      acquireInstanceLock(runtimeDir).release();
      expect(existsSync(pidFile)).toBe(false);
    }
    stranger.stdin.end();
    await once(stranger, 'exit');
  });

  test('is released by its owner alone', () => {
    const lock = acquireInstanceLock(runtimeDir);
    expect(readFileSync(pidFile, 'utf8')).toBe(`${process.pid} ${startTicksOf(process.pid)}\n`);
    heldBy(process.ppid, startTicksOf(process.ppid));
    lock.release();
    expect(existsSync(pidFile)).toBe(true);
  });

  test('that is passed on is free for nobody but the process that it names, as long as that one lives', async () => {
    const heir = spawn(process.execPath, ['-e', 'process.stdin.resume()'], { stdio: ['pipe', 'ignore', 'ignore'] });
    await once(heir, 'spawn');
    const lock = acquireInstanceLock(runtimeDir);
    lock.passTo(heir.pid!);
    expect(lock.held).toBe(false);
    expect(readFileSync(pidFile, 'utf8')).toBe(`${heir.pid} ${startTicksOf(heir.pid!)}\n`);
    expect(() => acquireInstanceLock(runtimeDir)).toThrow(`pid ${heir.pid}`);
    lock.release();
    lock.passTo(process.pid);
    expect(livingOwner(runtimeDir)).toBe(heir.pid);
    heir.stdin.end();
    await once(heir, 'exit');
    expect(acquireInstanceLock(runtimeDir).held).toBe(true);
    expect(readdirSync(runtimeDir)).toEqual(['understudy.pid']);
  });

  test('that names us already is taken: who had it has passed it on', () => {
    heldBy(process.pid, startTicksOf(process.pid));
    expect(acquireInstanceLock(runtimeDir).held).toBe(true);
  });

  test('is not taken in a folder where others may write', () => {
    chmodSync(runtimeDir, 0o777);
    expect(() => acquireInstanceLock(runtimeDir)).toThrow(/others write/);
    expect(existsSync(pidFile)).toBe(false);
  });
});
