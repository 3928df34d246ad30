import { afterEach, describe, expect, test } from '@jest/globals';
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { readProcess } from '../../pool/process-table.js';
import type { StatusView } from '../../src/admin/status-view.js';
import { nodeWorker } from '../support/pool-bench.js';
import { SteadyLoad } from '../support/steady-load.js';
import { processState, UnderstudyProcess, type UnderstudySetup } from '../support/understudy-process.js';
import { uvicornCommand } from '../support/uvicorn.js';

let instance: UnderstudyProcess;
let load: SteadyLoad | undefined;

afterEach(async () => {
  await load?.stop();
  load = undefined;
  await instance.dispose();
});

function pidsById(status: StatusView): ReadonlyMap<string, number | null> {
  return new Map(status.backends.flatMap(({ workers }) => workers).map(({ id, pid }) => [id, pid]));
}

/** Ends Understudy without a word, and returns once it is gone. */
async function kill(): Promise<void> {
  instance.signal('SIGKILL');
  await instance.waitForExit();
}

async function startAgain(setup: UnderstudySetup = {}): Promise<void> {
  instance.launch(setup);
  await instance.waitForOutput(/understudy is ready/);
}

/** Their parent was killed: whether the machine's init has collected them yet is its own business. */
function isGone(pid: number): boolean {
  return [undefined, 'Z'].includes(processState(pid));
}

function statePath(): string {
  return join(instance.runtimeDir, 'state.json');
}

describe('an Understudy that was killed, on real uvicorn', () => {
  test('leaves its workers serving, and the next start adopts them all, the frozen one as frozen', async () => {
    const command = uvicornCommand('app:app', join(process.cwd(), 'examples', 'uvicorn'));
    const setup = { config: { command }, args: ['--validation'] };
    instance = await UnderstudyProcess.start(setup);
    const before = pidsById(await instance.status());
    expect(before.size).toBe(5);
    const launcher = readProcess(before.get('primary/1')!)!.parent;
    await kill();
    // Who had launched them does not stay behind.
    while (!isGone(launcher)) await setImmediate();
    const [primaryPort] = instance.backendPorts;
    const direct = await fetch(`http://127.0.0.1:${primaryPort}/`);
    expect(await direct.json()).toMatchObject({ pid: before.get('primary/1') });

    await startAgain(setup);
    const after = await instance.status();
    expect(pidsById(after)).toEqual(before);
    expect(after.mode).toMatchObject({ current: 'validation', converged: true });
    expect(processState(before.get('fallback/1')!)).toBe('T');
    load = new SteadyLoad({ url: `${instance.url}/`, connections: 4 });
    await load.waitForAnswers(100);
    process.kill(before.get('primary/1')!, 'SIGKILL');
    await instance.waitForStatus((status) => {
      const pid = pidsById(status).get('primary/1');
      return pid !== undefined && pid !== before.get('primary/1') && status.mode.converged;
    });
    expect((await load.stop()).failures).toEqual([]);
  });
});

describe('workers whose Understudy was killed, on real uvicorn', () => {
  test('lose no request on their own ports while nobody supervises them and while they are adopted', async () => {
    const command = uvicornCommand('app:app', join(process.cwd(), 'examples', 'uvicorn'));
    const setup = { config: { command } };
    instance = await UnderstudyProcess.start(setup);
    const before = pidsById(await instance.status());
    load = new SteadyLoad({ url: `http://127.0.0.1:${instance.backendPorts[0]}/`, connections: 4 });
    await load.waitForAnswers(50);
    await kill();
    await load.waitForAnswers(50);
    await startAgain(setup);
    await load.waitForAnswers(50);
    expect(pidsById(await instance.status())).toEqual(before);
    expect((await load.stop()).failures).toEqual([]);
  });
});

describe('the start after a kill', () => {
  test('stops what it adopted when it is stopped', async () => {
    instance = await UnderstudyProcess.start();
    const pids = await instance.workerPids();
    await kill();
    await startAgain();
    instance.signal('SIGTERM');
    expect(await instance.waitForExit()).toBe(0);
    expect(pids.map(isGone)).toEqual([true, true, true]);
  });

  test('replaces one that died meanwhile and keeps the others', async () => {
    instance = await UnderstudyProcess.start();
    const before = pidsById(await instance.status());
    await kill();
    process.kill(before.get('secondary/1')!, 'SIGKILL');
    await startAgain();
    const after = pidsById(await instance.waitForStatus(({ mode }) => mode.converged));
    expect(after.get('primary/1')).toBe(before.get('primary/1'));
    expect(after.get('fallback/1')).toBe(before.get('fallback/1'));
    expect(after.get('secondary/1')).not.toBe(before.get('secondary/1'));
  });

  test('ends the workers of a backend that the config no longer has', async () => {
    instance = await UnderstudyProcess.start();
    const before = pidsById(await instance.status());
    await kill();
    const config = JSON.parse(readFileSync(instance.configPath, 'utf8')) as { backends: unknown[] };
    writeFileSync(instance.configPath, JSON.stringify({ ...config, backends: config.backends.slice(0, 2) }));
    await startAgain();
    while (!isGone(before.get('fallback/1')!)) await setImmediate();
    expect([...pidsById(await instance.status()).values()]).toEqual([
      before.get('primary/1'),
      before.get('secondary/1'),
    ]);
  });

  test.each([
    ['cut in half', () => truncateSync(statePath(), 200), /state\.json is damaged .*set aside/],
    [
      'from another machine',
      () => writeFileSync(statePath(), readFileSync(statePath(), 'utf8').replace(/"bootId": "./, '"bootId": "x')),
      /state\.json is from another machine.*set aside/,
    ],
  ])(
    'sets a state file aside that is %s, says so, and knows its workers by their marks',
    async (_what, spoil, says) => {
      instance = await UnderstudyProcess.start();
      const before = pidsById(await instance.status());
      await kill();
      spoil();
      await startAgain();
      expect(instance.stderr).toMatch(says);
      expect(pidsById(await instance.waitForStatus(({ mode }) => mode.converged))).toEqual(before);
    },
  );

  test('knows workers that a script has become by their marks where the state file is lost', async () => {
    const command = ['sh', '-c', 'exec "$0" "$@"', ...nodeWorker()];
    instance = await UnderstudyProcess.start({ config: { command } });
    const before = pidsById(await instance.status());
    await kill();
    rmSync(statePath());
    await startAgain();
    expect(pidsById(await instance.waitForStatus(({ mode }) => mode.converged))).toEqual(before);
  });

  test('keeps what serves, where the state file is lost and another worker fails before the pool stands', async () => {
    const gate = join(mkdtempSync(join(tmpdir(), 'understudy-gate-')), 'closed');
    const command = ['sh', '-c', '[ "$0" != primary ] || [ ! -e "$1" ] || exit 3; shift; exec "$@"', '{name}', gate];
    instance = await UnderstudyProcess.start({ config: { command: [...command, ...nodeWorker()] } });
    const before = pidsById(await instance.status());
    await kill();
    rmSync(statePath());
    process.kill(before.get('primary/1')!, 'SIGKILL');
    writeFileSync(gate, '');
    await startAgain();
    await instance.waitForStatus(({ backends }) => backends[0]!.workers.some(({ restarts }) => restarts > 0));
    expect((await fetch(instance.url)).status).toBe(200);
    rmSync(dirname(gate), { recursive: true });
    const after = pidsById(await instance.waitForStatus(({ mode }) => mode.converged));
    expect([...after].slice(1)).toEqual([...before].slice(1));
  });

  test('goes on in the mode set by hand and with the leases that were held', async () => {
    instance = await UnderstudyProcess.start();
    await instance.command('mode', 'validation', '--wait');
    const lease = await instance.admin.request<{ id: string }>({
      method: 'POST',
      path: '/v1/leases?wait=true',
      body: { mode: 'validation', holder: 'nightly', ttl: '60s' },
    });
    const before = pidsById(await instance.status());
    await kill();
    await startAgain();
    const { mode, ...after } = await instance.status();
    expect(pidsById({ mode, ...after })).toEqual(before);
    expect(mode).toMatchObject({ current: 'validation', target: 'validation', converged: true });
    expect(mode.leases).toMatchObject([{ id: lease.id, holder: 'nightly', overruled: false }]);
    await instance.admin.request({ method: 'DELETE', path: `/v1/leases/${lease.id}?wait=true` });
    expect((await instance.status()).mode.target).toBe('validation');
  });

  test('gives production back when the lease that it found has ended', async () => {
    instance = await UnderstudyProcess.start();
    const { id } = await instance.admin.request<{ id: string }>({
      method: 'POST',
      path: '/v1/leases?wait=true',
      body: { mode: 'validation', holder: 'nightly', ttl: '60s' },
    });
    await kill();
    await startAgain();
    expect((await instance.status()).mode.current).toBe('validation');
    await instance.admin.request({ method: 'DELETE', path: `/v1/leases/${id}?wait=true` });
    expect((await instance.status()).mode).toMatchObject({ current: 'production', leases: [] });
  });

  test('shows what adopted workers write, and counts no restart', async () => {
    const command = uvicornCommand('app:app', join(process.cwd(), 'examples', 'uvicorn'));
    const setup = { config: { command: [...command, '--access-log'] }, backendCount: 1 };
    instance = await UnderstudyProcess.start(setup);
    await kill();
    await startAgain(setup);
    await fetch(`${instance.url}/written-after-adoption`);
    await instance.waitForOutput(/primary\/1 \| .*written-after-adoption/);
    const workers = (await instance.status()).backends.flatMap((backend) => backend.workers);
    expect(workers.map(({ restarts }) => restarts)).toEqual([0]);
  });

  test('with --keep-workers Ctrl-C ends the workers all the same', async () => {
    instance = await UnderstudyProcess.start({ args: ['--keep-workers'] });
    const before = pidsById(await instance.status());
    instance.signal('SIGINT');
    expect(await instance.waitForExit()).toBe(0);
    for (const pid of before.values()) expect(processState(pid!)).toBeUndefined();
  });

  test('finds the workers that --keep-workers left at SIGTERM', async () => {
    const setup = { args: ['--keep-workers'] };
    instance = await UnderstudyProcess.start(setup);
    const before = pidsById(await instance.status());
    instance.signal('SIGTERM');
    expect(await instance.waitForExit()).toBe(0);
    await startAgain(setup);
    expect(pidsById(await instance.status())).toEqual(before);
    expect(await instance.command('stop')).toMatchObject({ code: 0 });
  });
});
