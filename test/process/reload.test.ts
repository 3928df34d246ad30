import { afterEach, describe, expect, test } from '@jest/globals';
import { mkdirSync, readFileSync, rmSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { StatusView } from '../../src/admin/status-view.js';
import { freePorts } from '../support/free-port.js';
import { SteadyLoad } from '../support/steady-load.js';
import { UnderstudyProcess, type UnderstudySetup } from '../support/understudy-process.js';
import { uvicornCommand } from '../support/uvicorn.js';

let instance: UnderstudyProcess;
let load: SteadyLoad | undefined;

afterEach(async () => {
  await load?.stop();
  load = undefined;
  await instance.dispose();
});

/** Writes other values over those of the config file; `undefined` takes a key out. */
function editConfig(changes: Readonly<Record<string, unknown>>): void {
  const config = JSON.parse(readFileSync(instance.configPath, 'utf8')) as Record<string, unknown>;
  writeFileSync(instance.configPath, JSON.stringify({ ...config, ...changes }));
}

function pidsById(status: StatusView): ReadonlyMap<string, number | null> {
  return new Map(status.backends.flatMap(({ workers }) => workers).map(({ id, pid }) => [id, pid]));
}

async function startDemo(setup: UnderstudySetup = {}): Promise<void> {
  instance = await UnderstudyProcess.start(setup);
}

describe('understudy reload on real uvicorn under load', () => {
  test('adds, removes and replaces backends without a failed request, a cut stream or a touched neighbour', async () => {
    const command = uvicornCommand('app:app', join(process.cwd(), 'examples', 'uvicorn'));
    instance = await UnderstudyProcess.start({ config: { command }, backendCount: 3 });
    const before = pidsById(await instance.status());
    const [newPort, movedPort] = await freePorts(2);
    load = new SteadyLoad({ url: `${instance.url}/`, connections: 4 });
    await load.waitForAnswers(100);
    const stream = await fetch(`${instance.url}/stream?n=30&ms=100`);

    const [primary] = instance.backendPorts;
    editConfig({
      backends: [
        { name: 'primary', port: primary },
        { name: 'secondary', port: movedPort },
        { name: 'fourth', port: newPort },
      ],
    });
    const reloaded = await instance.command('reload');
    expect(reloaded).toMatchObject({ code: 0, stderr: '' });
    expect(reloaded.stdout).toMatch(/added: fourth\n.*removed: fallback\n.*replaced: secondary/);
    await load.waitForAnswers(100);

    const after = pidsById(await instance.status());
    expect([...after.keys()]).toEqual(['primary/1', 'secondary/1', 'fourth/1']);
    expect(after.get('primary/1')).toBe(before.get('primary/1'));
    expect(after.get('secondary/1')).not.toBe(before.get('secondary/1'));
    expect((await stream.text()).match(/^data:/gm)).toHaveLength(30);
    expect((await load.stop()).failures).toEqual([]);
  });
});

describe('understudy reload', () => {
  test('changes limits and modes while every worker lives on', async () => {
    await startDemo();
    const before = pidsById(await instance.status());
    editConfig({
      waitingRoom: { capacity: 0 },
      balance: { policy: 'round-robin' },
      modes: { production: { active: 3 }, quiet: { active: 1, standby: 2 } },
    });
    expect((await instance.command('reload')).stdout).toMatch(/waitingRoom\.capacity: 512 -> 0/);
    expect(pidsById(await instance.status())).toEqual(before);
    expect(await instance.command('mode', 'quiet', '--wait')).toMatchObject({ code: 0 });
    expect((await instance.status()).backends.map(({ role }) => role)).toEqual(['active', 'standby', 'standby']);
  });

  test('changes nothing and tells every problem with its path when the file is bad', async () => {
    await startDemo();
    const before = await instance.status();
    editConfig({ health: { interval: 'soon' }, waitingRom: {}, backends: [{ name: 'primary', port: 70_000 }] });
    const refused = await instance.command('reload');
    expect(refused.code).toBe(2);
    for (const path of [/health\.interval/, /waitingRom.*waitingRoom/, /backends\.0\.port/]) {
      expect(refused.stderr).toMatch(path);
    }
    expect(pidsById(await instance.status())).toEqual(pidsById(before));
  });

  test('refuses another front port in plain words', async () => {
    await startDemo();
    const [otherPort] = await freePorts(1);
    editConfig({ front: { port: otherPort } });
    const refused = await instance.command('reload');
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(/front\.port: can't change while it runs/);
  });

  test('finds the instance that was started with the file, whatever folder the file names by now', async () => {
    await startDemo();
    const [otherPort] = await freePorts(1);
    editConfig({ front: { port: otherPort }, runtimeDir: join(instance.folder, 'elsewhere') });
    const refused = await instance.command('reload');
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(/front\.port: can't change while it runs/);
    expect(refused.stderr).toMatch(/runtimeDir: can't change while it runs/);
    expect(await instance.command('stop')).toMatchObject({ code: 0 });
  });

  test('keeps the old workers when the new command does not start', async () => {
    await startDemo();
    editConfig({ command: ['no-such-program', '{port}'] });
    const refused = await instance.command('reload');
    expect(refused).toMatchObject({ code: 1 });
    expect(refused.stderr).toMatch(/no-such-program/);
    const status = await instance.waitForStatus(({ mode }) => mode.converged);
    expect(status.backends.map(({ role }) => role)).toEqual(['active', 'active', 'active']);
  });

  test('happens at SIGHUP, and says in the log what a bad file is about', async () => {
    await startDemo();
    editConfig({ health: { interval: '1s' } });
    instance.signal('SIGHUP');
    await instance.waitForEvent((event) => event.kind === 'reload');
    editConfig({ health: { interval: 'soon' } });
    instance.signal('SIGHUP');
    await instance.waitForOutput(/health\.interval/);
  });

  test('tells of a file that can not be read at SIGHUP, and goes on as it was', async () => {
    await startDemo();
    const before = pidsById(await instance.status());
    const good = readFileSync(instance.configPath);
    rmSync(instance.configPath);
    mkdirSync(instance.configPath);
    instance.signal('SIGHUP');
    await instance.waitForOutput(/understudy\.yaml:.*cannot be read: EISDIR.*the reload changed nothing/);
    rmdirSync(instance.configPath);
    writeFileSync(instance.configPath, good);
    expect(pidsById(await instance.status())).toEqual(before);
    expect((await fetch(instance.url)).status).toBe(200);
  });

  test('happens by itself with --watch when the file changes, and not when it is bad', async () => {
    await startDemo({ args: ['--watch'] });
    const before = pidsById(await instance.status());
    const good = readFileSync(instance.configPath, 'utf8');
    writeFileSync(instance.configPath, 'front: [');
    await instance.waitForOutput(/has changed.*line 1.*the reload changed nothing/s);
    expect(pidsById(await instance.status())).toEqual(before);
    writeFileSync(instance.configPath, good);
    editConfig({ health: { interval: '1s' } });
    expect(await instance.waitForEvent((event) => event.kind === 'reload')).toMatchObject({
      evidence: 'health.interval',
    });
  });
});

describe('a config that names another mode to begin with', () => {
  test('brings it about, as a word by hand', async () => {
    await startDemo();
    editConfig({ mode: 'validation' });
    const reloaded = await instance.command('reload');
    expect(reloaded).toMatchObject({ code: 0, stderr: '' });
    expect(reloaded.stdout).toMatch(/mode: "production" -> "validation"/);
    expect((await instance.status()).mode).toMatchObject({ current: 'validation', converged: true });
  });
});
