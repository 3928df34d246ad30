// The command as users start it: a small program that gives `run` its young generation and is gone then.
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { PROGRAM_PATH, UnderstudyProcess } from '../support/understudy-process.js';

const YOUNG_GENERATION = ['--min-semi-space-size=64', '--max-semi-space-size=64'];
const run = promisify(execFile);

let folder: string;
let instance: UnderstudyProcess | undefined;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'understudy-program-'));
});
afterEach(async () => {
  await instance?.dispose();
  instance = undefined;
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function argumentsOf(pid: number): string[] {
  return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').slice(0, -1);
}

describe('understudy run', () => {
  test('is the very process that was started, with a larger young generation that its workers do not get', async () => {
    instance = await UnderstudyProcess.start();
    expect((await instance.status()).instance.pid).toBe(instance.pid);
    expect(argumentsOf(instance.pid).slice(1, 3)).toEqual(YOUNG_GENERATION);
    for (const pid of await instance.workerPids()) expect(argumentsOf(pid).join(' ')).not.toContain('semi-space');
  });

  test.each(['--max-semi-space-size=32', '--max_semi_space_size=32'])('leaves it at NODE_OPTIONS=%s', async (size) => {
    instance = await UnderstudyProcess.start({ env: { NODE_OPTIONS: size } });
    expect(argumentsOf(instance.pid)[1]).toMatch(/cli\.js$/);
  });
});

describe('the program', () => {
  test('is found through links, and passes its arguments on as they are', async () => {
    const link = join(folder, 'understudy');
    symlinkSync(PROGRAM_PATH, link);
    symlinkSync(link, join(folder, 'second link'));
    const failed = run(join(folder, 'second link'), ['status', '--config', 'no such  file.yaml']);
    await expect(failed).rejects.toMatchObject({ code: 2, stderr: expect.stringContaining("'no such  file.yaml'") });
  });

  test('says how to build it where it is not built', async () => {
    const bin = join(folder, 'unbuilt', 'bin');
    mkdirSync(bin, { recursive: true });
    copyFileSync(PROGRAM_PATH, join(bin, 'understudy'));
    await expect(run(join(bin, 'understudy'), ['run'])).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^understudy is not built: .*cli\.js is missing\. 'npm run build' in that folder makes it\.\n$/),
    });
  });
});
