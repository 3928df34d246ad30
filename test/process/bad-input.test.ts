import { afterEach, describe, expect, test } from '@jest/globals';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { once } from 'node:events';
import { chmodSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runCli, UnderstudyProcess, type Finished, type UnderstudySetup } from '../support/understudy-process.js';

let instance: UnderstudyProcess | undefined;
let squatter: Server | undefined;

afterEach(async () => {
  await instance?.dispose();
  instance = undefined;
  squatter?.close();
  squatter = undefined;
});

/** Starts an instance that cannot come up and returns how it ended. */
async function failedStart(setup: UnderstudySetup): Promise<Finished> {
  instance = await UnderstudyProcess.prepare(setup);
  instance.launch(setup);
  const code = await instance.waitForExit();
  return { code, stdout: instance.stdout, stderr: instance.stderr };
}

function expectOneClearError(finished: Finished, expected: { code: number; says: readonly RegExp[] }): void {
  expect(finished.code).toBe(expected.code);
  for (const pattern of expected.says) expect(finished.stderr).toMatch(pattern);
  expect(finished.stderr).not.toMatch(/^\s+at .+:\d+:\d+/m);
}

async function occupiedPort(): Promise<number> {
  squatter = createServer().listen(0, '127.0.0.1');
  await once(squatter, 'listening');
  return (squatter.address() as AddressInfo).port;
}

describe('understudy run', () => {
  test('says line and column when the YAML is broken', async () => {
    instance = await UnderstudyProcess.prepare();
    writeFileSync(instance.configPath, 'front: { host: 127.0.0.1\nbackends: [');
    expectOneClearError(await runCli(['run', '--config', instance.configPath]), {
      code: 2,
      says: [/understudy\.yaml/, /line 2/i],
    });
  });

  test('reports every problem of the config with its path at once', async () => {
    const finished = await failedStart({
      config: { frnt: {}, health: { interval: 'soon' }, waitingRoom: { capacity: -1 } },
    });
    expectOneClearError(finished, { code: 2, says: [/frnt.*front/s, /health\.interval/, /waitingRoom\.capacity/] });
  });

  test.each(['front', 'admin'])('names the %s port when it is taken, and who holds it', async (address) => {
    const port = await occupiedPort();
    expectOneClearError(await failedStart({ config: { [address]: { port } } }), {
      code: 1,
      says: [new RegExp(`127\\.0\\.0\\.1:${port}`), new RegExp(`held by process ${process.pid}`)],
    });
  });

  test("names a backend's port when it is taken, and who holds it", async () => {
    const port = await occupiedPort();
    const finished = await failedStart({
      config: { backends: [{ name: 'primary', port }], modes: { production: { active: 1, workers: 1 } } },
    });
    expectOneClearError(finished, { code: 1, says: [new RegExp(String(port)), new RegExp(`process ${process.pid}`)] });
  });

  test('names the program when it does not exist', async () => {
    const finished = await failedStart({ config: { command: ['no-such-program', '{port}'] } });
    expectOneClearError(finished, { code: 1, says: [/no-such-program/, /not found|no such/i] });
  });

  test('shows the last output when the program exits at once', async () => {
    const command = [process.execPath, '-e', 'console.error("model file is missing {port}"); process.exit(7)'];
    expectOneClearError(await failedStart({ config: { command } }), {
      code: 1,
      says: [/code 7/, /model file is missing/],
    });
  });

  test('gives up on a program that never becomes ready after startTimeout', async () => {
    const command = [process.execPath, '-e', 'setInterval(() => {}, 1000) // {port}'];
    const finished = await failedStart({ config: { command, startTimeout: '500ms' } });
    expectOneClearError(finished, { code: 1, says: [/ready/] });
  });
});

describe('the folders of an instance', () => {
  test.each([
    ['runtimeDir', { runtimeDir: '/dev/null' }, '/dev/null'],
    ['runtimeDir', { runtimeDir: '/proc/understudy' }, '/proc/understudy'],
    ['logDir', { logDir: '/proc/understudy' }, '/proc/understudy'],
    ['log.accessFile', { log: { access: 'json', accessFile: '/proc/a/access.log' } }, '/proc/a/access.log'],
    ['log.accessFile', { log: { access: 'json', accessFile: '/dev' } }, '/dev'],
  ])('are named by their key when they can not be used: %s, %j', async (key, config, path) => {
    const finished = await failedStart({ config });
    expectOneClearError(finished, {
      code: 1,
      says: [new RegExp(`^understudy: Cannot use ${key} ${path}: .+\\.$`, 'm')],
    });
  });

  test.each(['runtimeDir', 'logDir'])('are refused by the schema when they have no name: %s', async (key) => {
    expectOneClearError(await failedStart({ config: { [key]: '' } }), { code: 2, says: [new RegExp(key)] });
  });

  test('are left alone when others may write where the state file lies', async () => {
    instance = await UnderstudyProcess.prepare();
    mkdirSync(instance.runtimeDir);
    chmodSync(instance.runtimeDir, 0o777);
    writeFileSync(join(instance.runtimeDir, 'state.json'), 'planted');
    instance.launch();
    const code = await instance.waitForExit();
    const { stdout, stderr, runtimeDir } = instance;
    expectOneClearError({ code, stdout, stderr }, { code: 1, says: [/runtimeDir/, /0777/, /chmod go-w/] });
    expect(readdirSync(runtimeDir)).toEqual(['state.json']);
  });

  test("keep the workers' output to ourselves", async () => {
    instance = await UnderstudyProcess.start({ backendCount: 1, config: { modes: { production: { active: 1 } } } });
    const modeOf = (...path: readonly string[]) => statSync(join(instance!.runtimeDir, ...path)).mode & 0o777;
    expect([modeOf(), modeOf('logs'), modeOf('logs', 'primary-1.log')]).toEqual([0o700, 0o700, 0o600]);
  });
});

describe('a command against a running instance', () => {
  test('names the modes that exist when asked for another', async () => {
    instance = await UnderstudyProcess.start();
    expectOneClearError(await instance.command('mode', 'holiday', '--wait'), {
      code: 2,
      says: [/holiday/, /production/, /validation/],
    });
    expect((await instance.status()).mode).toMatchObject({ current: 'production', converged: true });
  });

  test('names the pid of the first instance when a second one starts on its ports', async () => {
    instance = await UnderstudyProcess.start();
    const second = await runCli(['run', '--config', instance.configPath]);
    expectOneClearError(second, { code: 1, says: [new RegExp(`pid ${instance.pid}`)] });
  });

  test('finds the instance by its admin port even when the config can not be read', async () => {
    instance = await UnderstudyProcess.start({ backendCount: 1, config: { modes: { production: { active: 1 } } } });
    writeFileSync(instance.configPath, 'front: [');
    expectOneClearError(await instance.command('status'), { code: 2, says: [/understudy\.yaml/] });
    expect(await instance.command('status', '--admin-port', String(instance.adminPort))).toMatchObject({ code: 0 });
  });

  test('exits with 3 when no instance runs', async () => {
    instance = await UnderstudyProcess.prepare();
    expectOneClearError(await instance.command('status'), { code: 3, says: [/no running instance/] });
  });

  test('exits with 2 and names the flag when a flag is unknown', async () => {
    expectOneClearError(await runCli(['status', '--jsno']), { code: 2, says: [/jsno/] });
  });
});
