import { afterEach, describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer, type Server as HttpServer } from 'node:http';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import type { StatusView } from '../../src/admin/status-view.js';
import { freePorts } from '../support/free-port.js';
import { SteadyLoad } from '../support/steady-load.js';
import { processState, UnderstudyProcess } from '../support/understudy-process.js';
import { uvicornCommand } from '../support/uvicorn.js';

/** Loaded before the program by whoever has one in its NODE_OPTIONS. */
const MORTAL_SUCCESSOR = join(process.cwd(), 'dist', 'test', 'fixtures', 'mortal-successor.js');
const ORPHANED_SUCCESSOR = join(process.cwd(), 'dist', 'test', 'fixtures', 'orphaned-successor.js');

/** What the command says of an instance that is gone, and nothing beside it. */
const ENDED =
  /^understudy: The instance \(pid \d+\) ended during the upgrade, and .* 'understudy run' adopts them\.\n$/;

let instance: UnderstudyProcess;
let load: SteadyLoad | undefined;
let squatter: Server | undefined;
let elsewhere: HttpServer | undefined;

afterEach(async () => {
  await load?.stop();
  load = undefined;
  squatter?.close();
  squatter = undefined;
  elsewhere?.close();
  elsewhere?.closeAllConnections();
  elsewhere = undefined;
  // Whoever is in charge by now; the first process may have gone long ago.
  await instance.admin.request({ method: 'POST', path: '/v1/stop' }).catch(() => undefined);
  await instance.waitForExit();
  await instance.dispose();
});

function workersOf(status: StatusView) {
  return status.backends
    .flatMap(({ workers }) => workers)
    .map(({ id, pid, state, restarts }) => ({ id, pid, state, restarts }));
}

async function refusesAsUpgrading(): Promise<boolean> {
  const asked = instance.admin.request({ method: 'POST', path: '/v1/reload' });
  return asked.then(
    () => false,
    (error: unknown) => (error as { code?: string }).code === 'upgrading',
  );
}

/** Asks one question after the other, each of which must be answered; resolves to how many. */
async function askUntil(over: () => boolean): Promise<number> {
  let answers = 0;
  for (; !over(); answers += 1) await instance.admin.status();
  return answers;
}

async function waitUntilGone(pid: number): Promise<void> {
  while (processState(pid) !== undefined) await setImmediate();
}

describe('understudy upgrade on real uvicorn under load', () => {
  test('hands over to a new process with the same workers, losing no request, cutting no stream, missing no question', async () => {
    const command = uvicornCommand('app:app', join(process.cwd(), 'examples', 'uvicorn'));
    instance = await UnderstudyProcess.start({ config: { command }, args: ['--validation'] });
    const before = await instance.status();
    load = new SteadyLoad({ url: `${instance.url}/`, connections: 4 });
    await load.waitForAnswers(50);
    const stream = await fetch(`${instance.url}/stream?n=30&ms=100`);

    let over = false;
    const [upgraded, answers] = await Promise.all([
      instance.command('upgrade').finally(() => (over = true)),
      askUntil(() => over),
    ]);
    expect(upgraded).toMatchObject({ code: 0, stderr: '' });
    expect(answers).toBeGreaterThan(0);
    const after = await instance.status();
    expect(upgraded.stdout).toBe(`upgraded: pid ${after.instance.pid} serves now\n`);
    expect(after.instance.pid).not.toBe(instance.pid);
    expect(workersOf(after)).toEqual(workersOf(before));
    expect(after.mode).toMatchObject({ current: 'validation', converged: true });

    expect((await stream.text()).match(/^data:/gm)).toHaveLength(30);
    await waitUntilGone(instance.pid);
    await load.waitForAnswers(50);
    expect((await load.stop()).failures).toEqual([]);
    expect(await instance.command('mode', 'production', '--wait')).toMatchObject({ code: 0 });
  });
});

describe('what the old process still has in flight after an upgrade', () => {
  const command = uvicornCommand('app:app', join(process.cwd(), 'examples', 'uvicorn'));
  const modes = { production: { active: 2 }, quiet: { active: 1, standby: 1, temperature: 'frozen' } };
  // A server that is told to stop finishes what it has, but not for longer than that.
  const config = { command, modes, stop: { grace: '1s' } };

  /** A stream on each worker, longer than all that follows; resolves to what each has brought by its end. */
  async function beginStreams(): Promise<Promise<string>[]> {
    const answers = await Promise.all([1, 2].map(() => fetch(`${instance.url}/stream?n=80&ms=100`)));
    const { backends } = await instance.status();
    expect(backends.flatMap(({ workers }) => workers.map(({ inflight }) => inflight))).toEqual([1, 1]);
    return answers.map((answer) => answer.text());
  }

  async function expectWhole(streams: readonly Promise<string>[]): Promise<void> {
    for (const text of await Promise.all(streams)) {
      expect(text.match(/^data:/gm)).toHaveLength(80);
      expect(text).not.toMatch(/event: error/);
    }
  }

  test.each([
    ['a switch that freezes a worker', ['mode', 'quiet', '--wait']],
    ['a restart', ['restart']],
    ['a stop', ['stop']],
  ])('is waited for by %s', async (_what, words) => {
    instance = await UnderstudyProcess.start({ backendCount: 2, config });
    const streams = await beginStreams();
    expect(await instance.command('upgrade')).toMatchObject({ code: 0 });
    expect(await instance.command(...words)).toMatchObject({ code: 0 });
    await expectWhole(streams);
  });

  test('is still reached behind a second upgrade: the process in between stays until the oldest has gone', async () => {
    const patient = { ...config, stop: { ...config.stop, drainTimeout: '10m' } };
    instance = await UnderstudyProcess.start({ backendCount: 2, config: patient });
    const left = new AbortController();
    await fetch(`${instance.url}/stream?n=100000&ms=100`, { signal: left.signal });
    const { backends } = await instance.status();
    const idle = backends.find(({ workers }) => workers[0]!.inflight === 0)!;
    expect(await instance.command('upgrade')).toMatchObject({ code: 0 });
    const between = (await instance.status()).instance.pid;
    expect(await instance.command('upgrade')).toMatchObject({ code: 0 });
    expect(await instance.command('restart', idle.name)).toMatchObject({ code: 0 });
    expect(processState(between)).toBeDefined();
    left.abort();
    await waitUntilGone(instance.pid);
    await waitUntilGone(between);
  });

  test('is waited for by a new config without its backend', async () => {
    instance = await UnderstudyProcess.start({ backendCount: 2, config });
    const streams = await beginStreams();
    const whole = JSON.parse(readFileSync(instance.configPath, 'utf8')) as { backends: object[] };
    const less = { ...whole, backends: whole.backends.slice(0, 1), modes: { production: { active: 1 } } };
    writeFileSync(instance.configPath, JSON.stringify(less));
    expect(await instance.command('upgrade')).toMatchObject({ code: 0 });
    await expectWhole(streams);
  });
});

describe('an upgrade that fails after the new process has adopted the workers', () => {
  const command = uvicornCommand('app:app', join(process.cwd(), 'examples', 'uvicorn'));

  async function takeAdminPort(): Promise<void> {
    squatter = createServer().listen(0, '127.0.0.1');
    await once(squatter, 'listening');
    const { port } = squatter.address() as AddressInfo;
    const config = JSON.parse(readFileSync(instance.configPath, 'utf8')) as object;
    writeFileSync(instance.configPath, JSON.stringify({ ...config, admin: { port } }));
  }

  test.each([
    ['can not open the admin API', {}, takeAdminPort, /took over the lock and the admin API,.*it is taken by another/],
    ['dies taking over the admin API', { DIES_AT: 'yours' }, undefined, /took over the lock and.*: SIGKILL ended it/],
    ['dies with the front in its hands', { DIES_AT: 'front' }, undefined, /took over the front,.*: SIGKILL ended it/],
  ])('leaves the old one serving, and no request is lost, when it %s', async (_what, env, prepare, says) => {
    // Modes between which a switch starts nothing: a pool that is not held any more follows at once.
    const modes = { production: { active: 2 }, quiet: { active: 1, standby: 1 } };
    instance = await UnderstudyProcess.start({
      config: { command, modes },
      backendCount: 2,
      env: { NODE_OPTIONS: `--import ${MORTAL_SUCCESSOR}`, ...env },
    });
    const before = await instance.status();
    const good = readFileSync(instance.configPath, 'utf8');
    load = new SteadyLoad({ url: `${instance.url}/`, connections: 2 });
    await load.waitForAnswers(20);
    await prepare?.();

    const failed = await instance.command('upgrade');
    writeFileSync(instance.configPath, good);
    expect(failed).toMatchObject({ code: 1, stderr: expect.stringMatching(says) });
    expect(failed.stderr).toMatch(/^understudy: The upgrade failed while the new process .*, so this one goes on: /);
    await load.waitForAnswers(20);
    const after = await instance.status();
    expect(after.instance).toMatchObject({ pid: before.instance.pid, failedUpgrade: { pid: expect.any(Number) } });
    expect(processState(after.instance.failedUpgrade!.pid!)).toBeUndefined();
    expect(workersOf(after)).toEqual(workersOf(before));
    await instance.admin.request({ method: 'PUT', path: '/v1/mode?wait=true', body: { mode: 'quiet' } });
    expect((await load.stop()).failures).toEqual([]);
    expect((await fetch(`http://127.0.0.1:${instance.adminPort}/readyz`)).status).toBe(200);
  });
});

describe('an upgrade in which the old process is killed', () => {
  test.each([
    ['is still loading', 'load'],
    ['has adopted the workers', 'yours'],
  ])(
    'ends the new one and its launcher while it %s, and leaves the workers to the next start',
    async (_what, moment) => {
      const env = { NODE_OPTIONS: `--import ${ORPHANED_SUCCESSOR}`, ORPHANED_AT: moment };
      instance = await UnderstudyProcess.start({ env });
      const stateFile = join(instance.runtimeDir, 'state.json');
      const [before, stateBefore] = [workersOf(await instance.status()), readFileSync(stateFile, 'utf8')];

      const told = await instance.command('upgrade');
      expect(told).toMatchObject({ code: 1, stderr: expect.stringMatching(ENDED) });
      // The new process and its launcher have the same output: their ends are waited for too.
      await instance.waitForExit();
      expect(instance.stderr).toMatch(/^understudy: Cannot take over from the running instance: it has ended\./m);
      expect(readFileSync(stateFile, 'utf8')).toBe(stateBefore);

      instance.launch();
      await instance.waitForOutput(/ready/);
      expect(workersOf(await instance.status())).toEqual(before);
    },
  );
});

describe('understudy upgrade', () => {
  test('leaves the old process in charge, and says why, when the new one does not come up', async () => {
    instance = await UnderstudyProcess.start();
    const before = await instance.status();
    const good = readFileSync(instance.configPath, 'utf8');
    writeFileSync(instance.configPath, good.replace('"front"', '"fromt"'));
    const refused = await instance.admin
      .request({ method: 'POST', path: '/v1/upgrade' })
      .catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: 'upgrade-failed', message: expect.stringMatching(/goes on: .*fromt/s) });
    writeFileSync(instance.configPath, good);
    const after = await instance.status();
    expect(after.instance.pid).toBe(before.instance.pid);
    expect(workersOf(after)).toEqual(workersOf(before));
    expect(await instance.command('mode', 'validation', '--wait')).toMatchObject({ code: 0 });
  });

  test.each([
    ['gone', (path: string) => rmSync(path)],
    ['damaged', (path: string) => truncateSync(path, 10)],
  ])('hands the workers over though the state file is %s', async (_how, spoil) => {
    instance = await UnderstudyProcess.start();
    const before = workersOf(await instance.status());
    spoil(join(instance.runtimeDir, 'state.json'));
    expect(await instance.command('upgrade')).toMatchObject({ code: 0 });
    expect(workersOf(await instance.status())).toEqual(before);
  });

  test('refuses to hand over a front that the new config does not name', async () => {
    instance = await UnderstudyProcess.start();
    const [otherPort] = await freePorts(1);
    const good = readFileSync(instance.configPath, 'utf8');
    writeFileSync(instance.configPath, good.replace(`"port": ${instance.frontPort}`, `"port": ${otherPort}`));
    const refused = await instance.command('upgrade');
    writeFileSync(instance.configPath, good);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(/while the new process read its config .* this one goes on: the config says front/);
    expect((await fetch(instance.url)).status).toBe(200);
    expect((await instance.status()).instance.pid).toBe(instance.pid);
  });

  test('goes through when nobody waits for the answer any more', async () => {
    instance = await UnderstudyProcess.start();
    const caller = new AbortController();
    const asked = instance.admin.request({ method: 'POST', path: '/v1/upgrade', signal: caller.signal });
    // It is under way as soon as another change is refused because of it.
    while (!(await refusesAsUpgrading())) await setImmediate();
    caller.abort();
    await expect(asked).rejects.toThrow();
    await waitUntilGone(instance.pid);
    expect((await fetch(instance.url)).status).toBe(200);
  });

  test('ends with everything else, both processes and the workers, when the old one is told to stop', async () => {
    instance = await UnderstudyProcess.start();
    const pids = await instance.workerPids();
    const asked = instance.admin.request({ method: 'POST', path: '/v1/upgrade' }).catch((error: unknown) => error);
    while (!(await refusesAsUpgrading())) await setImmediate();
    instance.signal('SIGTERM');
    // The new process has the same output: its end is waited for too.
    expect(await instance.waitForExit()).toBe(0);
    expect(await asked).toMatchObject({ code: 'stopping' });
    expect(pids.map(processState)).toEqual(pids.map(() => undefined));
  });

  test('hands over an instance that the flag alone has started', async () => {
    instance = await UnderstudyProcess.start({ verb: [], args: ['--validation'] });
    const before = workersOf(await instance.status());
    expect(await instance.command('upgrade')).toMatchObject({ code: 0, stderr: '' });
    expect(workersOf(await instance.status())).toEqual(before);
    expect((await instance.status()).mode.current).toBe('validation');
  });

  test('hands over a front whose backends somebody else runs', async () => {
    elsewhere = createHttpServer((_request, response) => response.end('elsewhere')).listen(0, '127.0.0.1');
    await once(elsewhere, 'listening');
    const url = `http://127.0.0.1:${(elsewhere.address() as AddressInfo).port}`;
    instance = await UnderstudyProcess.start({
      config: { backends: [{ name: 'far', url }], modes: { production: { active: 1 } } },
    });
    load = new SteadyLoad({ url: `${instance.url}/`, connections: 4 });
    await load.waitForAnswers(50);
    expect(await instance.command('upgrade')).toMatchObject({ code: 0, stderr: '' });
    await load.waitForAnswers(50);
    expect((await load.stop()).failures).toEqual([]);
  });

  test('may be done again by the new process', async () => {
    instance = await UnderstudyProcess.start();
    const before = workersOf(await instance.status());
    for (const _ of [1, 2]) expect(await instance.command('upgrade')).toMatchObject({ code: 0 });
    expect(workersOf(await instance.status())).toEqual(before);
    await waitUntilGone(instance.pid);
    expect((await fetch(instance.url)).status).toBe(200);
  });
});
