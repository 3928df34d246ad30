import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { RawConnection } from '../support/raw-connection.js';
import { SteadyLoad } from '../support/steady-load.js';
import { processState, UnderstudyProcess } from '../support/understudy-process.js';

/** Loaded before the program by whoever has one in its NODE_OPTIONS. */
const MORTAL_SUCCESSOR = join(process.cwd(), 'dist', 'test', 'fixtures', 'mortal-successor.js');
const MODES = { production: { active: 1 } };

let instance: UnderstudyProcess;
let path: string;
let load: SteadyLoad | undefined;
const others: UnderstudyProcess[] = [];

beforeEach(async () => {
  instance = await UnderstudyProcess.prepare({ backendCount: 1, config: { modes: MODES } });
  path = join(instance.folder, 'front.sock');
  editFront({ socket: path });
});

async function start(env: Readonly<Record<string, string>> = {}): Promise<void> {
  instance.launch({ env });
  await instance.waitForOutput(/ready/);
}

afterEach(async () => {
  await load?.stop();
  load = undefined;
  for (const other of others.splice(0)) await other.dispose();
  // Whoever is in charge by now; the first process may have gone long ago.
  await instance.admin.request({ method: 'POST', path: '/v1/stop' }).catch(() => undefined);
  await instance.waitForExit();
  await instance.dispose();
});

function editFront(front: object): void {
  const config = JSON.parse(readFileSync(instance.configPath, 'utf8')) as { readonly front: object };
  writeFileSync(instance.configPath, JSON.stringify({ ...config, front: { ...config.front, ...front } }));
}

async function statusBySocket(): Promise<string> {
  const connection = await RawConnection.open(path);
  const received = await connection.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n').waitForEnd();
  connection.close();
  return received.split('\r\n')[0]!;
}

describe('a run with front.socket', () => {
  test('listens there too, says so, and removes the file when it stops', async () => {
    await start();
    const url = `http://127.0.0.1:${instance.frontPort}`;
    expect(instance.stdout).toContain(`understudy is ready on ${url} and ${path}\n`);
    expect(await statusBySocket()).toBe('HTTP/1.1 200 OK');
    expect((await fetch(url)).status).toBe(200);
    expect((await instance.status()).front).toMatchObject({ socket: path });
    expect((await instance.command('status')).stdout).toContain(`front    ${url} and ${path} `);
    expect((await instance.command('check')).stdout).toContain(`front     ${url} and ${path}\n`);
    instance.signal('SIGTERM');
    expect(await instance.waitForExit()).toBe(0);
    expect(existsSync(path)).toBe(false);
  });

  test('is found again by the next run after it was killed', async () => {
    await start();
    instance.signal('SIGKILL');
    await instance.waitForExit();
    expect(existsSync(path)).toBe(true);
    await start();
    expect(await statusBySocket()).toBe('HTTP/1.1 200 OK');
  });

  test('keeps its socket from another instance, which says whose it is not', async () => {
    await start();
    const other = await UnderstudyProcess.prepare({
      backendCount: 1,
      config: { modes: MODES, front: { socket: path } },
    });
    others.push(other);
    const { code, stderr } = await other.command('run');
    expect(code).toBe(1);
    expect(stderr).toContain(`Cannot listen on the front's socket ${path}: another process listens there.`);
    expect(await statusBySocket()).toBe('HTTP/1.1 200 OK');
  });
});

describe('an upgrade of a run with front.socket', () => {
  test('hands it over twice without losing a request, and the last one removes it', async () => {
    await start();
    load = new SteadyLoad({ url: 'http://a/', connections: 4, socketPath: path });
    await load.waitForAnswers(50);
    let before = instance.pid;
    for (const _turn of [1, 2]) {
      expect(await instance.command('upgrade')).toMatchObject({ code: 0, stderr: '' });
      while (processState(before) !== undefined) await setImmediate();
      before = (await instance.status()).instance.pid;
      await load.waitForAnswers(50);
      expect(await statusBySocket()).toBe('HTTP/1.1 200 OK');
    }
    expect((await load.stop()).failures).toEqual([]);
    expect(await instance.command('stop')).toMatchObject({ code: 0 });
    expect(existsSync(path)).toBe(false);
  });

  test('that dies on the way leaves the old one at the socket, losing no request', async () => {
    await start({ NODE_OPTIONS: `--import ${MORTAL_SUCCESSOR}`, DIES_AT: 'front' });
    load = new SteadyLoad({ url: 'http://a/', connections: 4, socketPath: path });
    await load.waitForAnswers(50);
    expect(await instance.command('upgrade')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/SIGKILL ended it/),
    });
    await load.waitForAnswers(50);
    expect((await load.stop()).failures).toEqual([]);
    expect(existsSync(path)).toBe(true);
  });

  test('is refused when the config says another path, and the old one goes on', async () => {
    await start();
    editFront({ socket: `${path}2` });
    const { code, stderr } = await instance.command('upgrade');
    expect(code).toBe(1);
    expect(stderr).toContain(`the config says ${path}2 for front.socket, but ${path} is handed over`);
    expect(await statusBySocket()).toBe('HTTP/1.1 200 OK');
  });
});
