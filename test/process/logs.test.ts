// `understudy logs -f` as somebody uses it: it stays for what comes, and goes with its reader.
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { CliProcess } from '../support/cli-process.js';
import { CLI_PATH, UnderstudyProcess } from '../support/understudy-process.js';

let instance: UnderstudyProcess;
let log: string;

beforeEach(async () => {
  instance = await UnderstudyProcess.start();
  log = join((await instance.status()).instance.logDir, 'primary-1.log');
  appendFileSync(log, 'what was there\n');
});

afterEach(() => instance.dispose());

test('shows what was there and each line that comes, until it is interrupted', async () => {
  const following = new CliProcess(['logs', '-f', 'primary', '--config', instance.configPath]);
  await following.waitForOutput(/^primary\/1 \| what was there$/m);
  appendFileSync(log, 'what comes\n');
  await following.waitForOutput(/^primary\/1 \| what comes$/m);
  following.signal('SIGINT');
  expect(await following.finish()).toMatchObject({ code: 0, stderr: '' });
});

test('ends when nobody reads it any more', async () => {
  const command = `"$0" ${CLI_PATH} logs -f --config ${instance.configPath} | head -1`;
  const shell = spawn('sh', ['-c', command, process.execPath], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(shell.stdout, 'data');
  // It hears of that when it writes next.
  const writing = setInterval(() => appendFileSync(log, 'for nobody\n'), 50);
  await once(shell, 'exit');
  clearInterval(writing);
});
