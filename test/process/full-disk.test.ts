// Nothing that is written down may cost a request: the logs go to a device on which there is never room.
import { afterEach, expect, test } from '@jest/globals';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { ChildOutput } from '../support/child-output.js';
import { CLI_PATH, UnderstudyProcess } from '../support/understudy-process.js';

let instance: UnderstudyProcess;
let run: ChildProcess;

afterEach(async () => {
  if (run.exitCode === null) {
    run.kill('SIGTERM');
    await once(run, 'exit');
  }
  await instance.dispose();
});

test('an instance goes on serving when neither its log nor its access log can be written', async () => {
  const modes = { production: { active: 1 } };
  const log = { access: 'json', accessFile: '/dev/full' };
  instance = await UnderstudyProcess.prepare({ backendCount: 1, config: { modes, log } });
  const command = [process.execPath, CLI_PATH, 'run', '--config', instance.configPath];
  run = spawn('bash', ['-c', 'exec "$@" 2>/dev/full', 'bash', ...command], { stdio: ['ignore', 'pipe', 'pipe'] });
  await new ChildOutput(run).waitFor(/understudy is ready/);

  // More than the access log buffers, and a line in the log that says so.
  for (let count = 0; count < 100; count += 1) {
    const { status } = await fetch(`${instance.url}/health?${'x'.repeat(200)}`);
    expect(status).toBe(200);
  }
  run.kill('SIGHUP');
  await instance.waitForEvent(({ kind }) => kind === 'reload');
  expect((await fetch(instance.url)).status).toBe(200);
  run.kill('SIGTERM');
  expect(await once(run, 'exit')).toEqual([0, null]);
});

test('a command fails and says so when what it shows can not be written', async () => {
  instance = await UnderstudyProcess.prepare({ backendCount: 1 });
  const command = [process.execPath, CLI_PATH, 'check', '--config', instance.configPath];
  run = spawn('bash', ['-c', 'exec "$@" >/dev/full', 'bash', ...command], { stdio: ['ignore', 'pipe', 'pipe'] });
  const told = text(run.stderr!);
  expect(await once(run, 'exit')).toEqual([1, null]);
  expect(await told).toMatch(/^understudy: Cannot write the output: ENOSPC.*\n$/);
});
