// A run whose terminal goes away ends in order, although SIGHUP otherwise means: read the config again. One whose terminal takes
// nothing any more goes on.
import { afterEach, expect, test } from '@jest/globals';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { ChildOutput } from '../support/child-output.js';
import { CLI_PATH, processState, UnderstudyProcess } from '../support/understudy-process.js';
import { uvicornCommand } from '../support/uvicorn.js';

const STOPPED_TERMINAL = join(process.cwd(), 'test', 'fixtures', 'stopped_terminal.py');

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

test('understudy run serves on when its terminal is stopped, and ends all the same', async () => {
  const command = uvicornCommand('app:app', join(process.cwd(), 'examples', 'uvicorn'));
  const modes = { production: { active: 1 } };
  instance = await UnderstudyProcess.prepare({ backendCount: 1, config: { modes, command } });
  const run = [CLI_PATH, 'run', '--config', instance.configPath];
  terminal = spawn('/usr/bin/python3', [STOPPED_TERMINAL, ...run], { stdio: 'pipe' });
  const said = new ChildOutput(terminal);
  await said.waitFor(/stopped/);
  // Each is a line of the worker's: far more than a terminal holds.
  for (let count = 0; count < 1_000; count++) expect((await fetch(instance.url)).status).toBe(200);
  await instance.admin.request({ method: 'POST', path: '/v1/stop' });
  await said.waitFor(/ended with 0/);
});
