// `understudy doctor` on a real uvicorn command with the traps that people fall into.
import { afterEach, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { CliProcess } from '../support/cli-process.js';
import { processState, UnderstudyProcess } from '../support/understudy-process.js';
import { findUvicornPython } from '../support/uvicorn.js';

let instance: UnderstudyProcess;

afterEach(() => instance.dispose());

test('doctor names the traps of a command, puts it right, and tells what the health path answers', async () => {
  const appFolder = join(process.cwd(), 'examples', 'uvicorn');
  const command = [findUvicornPython(), '-m', 'uvicorn', 'app:app', '--app-dir', appFolder, '--port', '{port}'];
  instance = await UnderstudyProcess.prepare({ config: { command: [...command, '--workers', '1'] } });
  const { code, stdout } = await instance.command('doctor');
  expect(stdout).toMatch(/closes idle connections after 5 s, about when the proxy \(4 s\) would use them again/);
  expect(stdout).toMatch(/put right: .* --timeout-keep-alive 75/);
  expect(stdout).toMatch(/GET \/health answers 200, \d+\.\d s after the start of a worker/);
  expect(stdout).toMatch(/ok +uvicorn has no supervisor of its own/);
  expect(stdout).toMatch(/file descriptors/);
  expect(stdout).toMatch(/GPU/);
  expect(code).toBe(0);
});

test('doctor looks at the app or the command that it is given, and says when that is only the demo', async () => {
  instance = await UnderstudyProcess.prepare();
  const doctor = async (...args: string[]) => (await instance.command('doctor', '--no-try', ...args)).stdout;
  expect(await doctor()).toMatch(/warn +that is the bundled demo.*--app module:app/);
  expect(await doctor('--app', 'mine:app')).toMatch(/ok +a worker runs: .* -m uvicorn mine:app .*--port \{port\}/);
  const given = await doctor('--', 'uvicorn', 'mine:app', '--workers', '4', '--port', '{port}');
  expect(given).toMatch(/warn +--workers 4: uvicorn loses TCP_NODELAY/);
  expect(given).toMatch(/warn +without --timeout-graceful-shutdown a stop waits/);
  expect(given).toMatch(/put right: uvicorn mine:app --port \{port\} --timeout-keep-alive 75/);
});

test('doctor names each port that is taken, and by whom, and tries no worker then', async () => {
  instance = await UnderstudyProcess.prepare();
  const [port] = instance.backendPorts;
  const squatter = createServer().listen(port, '127.0.0.1');
  await once(squatter, 'listening');
  const { code, stdout } = await instance.command('doctor');
  squatter.close();
  expect(stdout).toMatch(new RegExp(`FAIL +port ${port} \\(primary\\) is taken by process ${process.pid} \\(`));
  expect(stdout).toMatch(new RegExp(`ok +port ${instance.frontPort} \\(front\\) is free`));
  expect(stdout).not.toMatch(/GET \/health/);
  expect(code).toBe(1);
});

test('doctor that is interrupted ends the worker that it tries', async () => {
  instance = await UnderstudyProcess.prepare();
  const pidFile = join(instance.folder, 'pid');
  const noting = ['sh', '-c', `echo $$ > ${pidFile}; exec sleep 600`, '{port}'];
  const doctor = new CliProcess(['doctor', '--config', instance.configPath, '--', ...noting]);
  while (!existsSync(pidFile) || readFileSync(pidFile, 'utf8') === '') await setImmediate();
  doctor.signal('SIGINT');
  expect(await doctor.finish()).toMatchObject({ code: 130 });
  const pid = Number(readFileSync(pidFile, 'utf8'));
  while (![undefined, 'Z'].includes(processState(pid))) await setImmediate();
});

test('doctor compares the rehearsals of a running instance with what is promised', async () => {
  const modes = { only: { active: 1, workers: 1, standby: 1, temperature: 'asleep' } };
  const sleep = { demote: { path: '/health', method: 'GET' }, promote: { command: ['true'] }, golden: { path: '/' } };
  const promises = { cold: '1ms', asleep: '1h' };
  const config = { modes, sleep, promises, rehearseEvery: '100ms' };
  instance = await UnderstudyProcess.start({ config });
  await instance.waitForStatus(({ backends }) => backends[1]?.tiers.asleep !== undefined);
  const { code, stdout } = await instance.command('doctor');
  expect(stdout).toMatch(/ok +an instance runs \(pid \d+\)/);
  expect(stdout).toMatch(/warn +secondary: from cold to an answer in .*, but promises\.cold is 1 ms/);
  expect(stdout).toMatch(/ok +secondary: from asleep to an answer in .* \(promises\.asleep is 3600\.0 s\)/);
  expect(code).toBe(0);
  const metrics = await (await fetch(`http://127.0.0.1:${instance.adminPort}/metrics`)).text();
  expect(metrics).toMatch(/^understudy_tier_promotion_seconds\{.*temperature="asleep".*\} \d/m);
  instance.signal('SIGTERM');
  await instance.waitForExit();
});
