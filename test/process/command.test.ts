// How the command starts itself: a shell's line that is a comment to Node.
import { afterEach, expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ChildOutput } from '../support/child-output.js';
import { CLI_PATH, UnderstudyProcess } from '../support/understudy-process.js';

const YOUNG_SPACE_FLAG = '--min-semi-space-size=16';
const folder = mkdtempSync(join(tmpdir(), 'understudy command '));
const link = join(folder, 'under study');
symlinkSync(CLI_PATH, link);

let instance: UnderstudyProcess | undefined;

afterEach(async () => {
  await instance?.dispose();
  rmSync(folder, { recursive: true, force: true });
});

function argumentsOf(pid: number): readonly string[] {
  return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').slice(0, -1);
}

test('by a link with a space in its name Node gets its flag, its words and the pid; so does who takes over', async () => {
  instance = await UnderstudyProcess.prepare();
  const words = ['run', '--config', instance.configPath];
  const child = spawn(link, words, { stdio: ['ignore', 'pipe', 'pipe'] });
  const exited = once(child, 'exit');
  await new ChildOutput(child).waitFor(/ready/);
  expect(argumentsOf(child.pid!)).toEqual(['node', YOUNG_SPACE_FLAG, link, ...words]);

  expect(await instance.command('upgrade')).toMatchObject({ code: 0 });
  const { pid } = (await instance.status()).instance;
  await exited;
  expect(pid).not.toBe(child.pid);
  expect(argumentsOf(pid)).toEqual([process.execPath, YOUNG_SPACE_FLAG, link, ...words]);
  expect(await instance.command('stop')).toMatchObject({ code: 0 });
});
