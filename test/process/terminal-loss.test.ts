// A run whose terminal goes away ends in order, although SIGHUP otherwise means: read the config again.
import { afterEach, expect, test } from '@jest/globals';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { ChildOutput } from '../support/child-output.js';
import { CLI_PATH, processState, UnderstudyProcess } from '../support/understudy-process.js';

let instance: UnderstudyProcess;
let terminal: ChildProcess;

afterEach(async () => {
  terminal.kill('SIGKILL');
  await instance.waitForRelease();
  await instance.dispose();
});

test('understudy run stops its workers and ends when its terminal goes away', async () => {
  instance = await UnderstudyProcess.prepare({ backendCount: 1, config: { modes: { production: { active: 1 } } } });
  const python = 'import pty, sys; pty.spawn(sys.argv[1:])';
  const run = [process.execPath, CLI_PATH, 'run', '--config', instance.configPath];
  const child = spawn('/usr/bin/python3', ['-c', python, ...run], { stdio: 'pipe' });
  terminal = child;
  await new ChildOutput(child).waitFor(/understudy is ready/);
  const [worker] = await instance.workerPids();

  child.kill('SIGKILL');
  await once(child, 'exit');
  await instance.waitForRelease();
  expect(processState(worker!)).toBeUndefined();
});
