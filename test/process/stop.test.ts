import { afterEach, describe, expect, test } from '@jest/globals';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { ChildOutput } from '../support/child-output.js';
import { CLI_PATH, processState, UnderstudyProcess } from '../support/understudy-process.js';

const CARELESS_PARENT = join(process.cwd(), 'test', 'fixtures', 'careless_parent.py');

let instance: UnderstudyProcess;
let parent: ChildProcess | undefined;

afterEach(async () => {
  await instance.admin.request({ method: 'POST', path: '/v1/stop' }).catch(() => undefined);
  parent?.stdin!.end();
  if (parent?.exitCode === null) await once(parent, 'exit');
  parent = undefined;
  await instance.dispose();
});

describe('understudy stop', () => {
  test('returns when the instance has ended, though its parent has not collected it', async () => {
    instance = await UnderstudyProcess.prepare();
    const run = [process.execPath, CLI_PATH, 'run', '--config', instance.configPath];
    parent = spawn('python3', [CARELESS_PARENT, ...run], { stdio: 'pipe' });
    await new ChildOutput(parent).waitFor(/ready/);
    const { pid } = (await instance.status()).instance;

    expect(await instance.command('stop')).toEqual({ code: 0, stdout: 'stopped\n', stderr: '' });
    expect(processState(pid)).toBe('Z');
  });

  test('tells within moments of an instance that is stopped (SIGSTOP), as every command does', async () => {
    instance = await UnderstudyProcess.start();
    const { pid } = instance;
    instance.signal('SIGSTOP');
    try {
      const commands = [['stop'], ['status'], ['mode', 'validation', '--wait']];
      for (const { code, stderr } of await Promise.all(commands.map((words) => instance.command(...words)))) {
        expect(stderr).toMatch(new RegExp(`The instance is there \\(pid ${pid}\\), but does not answer`));
        expect(code).toBe(1);
      }
    } finally {
      instance.signal('SIGCONT');
    }
    expect((await instance.status()).mode.target).toBe('production');
  });
});
