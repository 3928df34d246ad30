// Each example does what its README promises, started as a newcomer would start it.
import { afterEach, describe, expect, test } from '@jest/globals';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync, chmodSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { WebSocket, type MessageEvent } from 'undici';
import { ChildOutput } from '../support/child-output.js';
import { freePorts } from '../support/free-port.js';
import { CLI_PATH, processState, UnderstudyProcess } from '../support/understudy-process.js';
import { findUvicornPython } from '../support/uvicorn.js';

const EXAMPLES = join(process.cwd(), 'examples');

let child: ChildProcess | undefined;
let output: ChildOutput | undefined;
let folder: string | undefined;
let instance: UnderstudyProcess | undefined;

afterEach(async () => {
  if (child !== undefined && child.exitCode === null && child.signalCode === null) {
    const gone = once(child, 'close');
    child.kill('SIGTERM');
    await gone;
  }
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  await instance?.dispose();
  child = output = folder = instance = undefined;
});

/** A PATH on which `python3` is one that has uvicorn, and `understudy` is this build. */
function pathWithPrograms(): string {
  folder = mkdtempSync(join(tmpdir(), 'understudy-example-'));
  writeProgram('python3', `exec ${findUvicornPython()} "$@"`);
  writeProgram('understudy', `exec ${process.execPath} ${CLI_PATH} "$@"`);
  return [folder, dirname(process.execPath), process.env['PATH']].join(delimiter);
}

function writeProgram(name: string, line: string): void {
  const path = join(folder!, name);
  writeFileSync(path, `#!/bin/sh\n${line}\n`);
  chmodSync(path, 0o755);
}

/** Starts a program of the examples on free ports and returns the front's URL. */
async function startExample(
  program: string,
  args: readonly string[],
  options: { cwd: string; env?: Record<string, string> },
): Promise<string> {
  const [front, admin, ...backends] = await freePorts(5);
  const env = {
    ...process.env,
    PATH: pathWithPrograms(),
    XDG_RUNTIME_DIR: folder,
    OMNIMIND_PORTS: backends.join(','),
    ...options.env,
  };
  const ports = ['--port', String(front), '--admin-port', String(admin)];
  child = spawn(program, [...args, ...ports], { cwd: options.cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
  output = new ChildOutput(child);
  await output.waitFor(/understudy is ready/);
  return `http://127.0.0.1:${front}`;
}

/** Fails with what the example said, rather than wait for an answer that does not come. */
async function ask(url: string, init?: RequestInit): Promise<Response> {
  try {
    return await fetch(url, { ...init, signal: AbortSignal.timeout(20_000) });
  } catch (cause) {
    throw new Error(`no answer to ${url}. The example said:\n${output?.all}`, { cause });
  }
}

async function getJson(url: string): Promise<Record<string, unknown>> {
  const response = await ask(url);
  expect(response.status).toBe(200);
  return (await response.json()) as Record<string, unknown>;
}

async function expectEcho(url: string): Promise<void> {
  const socket = new WebSocket(url);
  await once(socket, 'open');
  const answered = once(socket, 'message') as Promise<[MessageEvent]>;
  socket.send('hello');
  expect((await answered)[0].data).toBe('hello');
  socket.close();
}

describe('the demo example', () => {
  test('answers every path that it promises', async () => {
    instance = await UnderstudyProcess.start();
    expect(await getJson(`${instance.url}/`)).toMatchObject({
      backend: 'primary',
      port: instance.backendPorts[0],
      worker: 1,
    });
    expect(await getJson(`${instance.url}/health`)).toEqual({ status: 'ok' });
    expect(await getJson(`${instance.url}/slow?ms=1`)).toHaveProperty('pid');
    expect(await getJson(`${instance.url}/cpu?ms=1`)).toHaveProperty('pid');
    expect(await (await ask(`${instance.url}/stream?n=2&ms=1`)).text()).toMatch(/"event":1[^]*"event":2/);
    expect(await (await ask(`${instance.url}/echo`, { method: 'POST', body: 'again' })).text()).toBe('again');
  });
});

describe('the uvicorn example', () => {
  test('runs from its folder by its own config and answers every path that it promises', async () => {
    const url = await startExample('understudy', ['run'], { cwd: join(EXAMPLES, 'uvicorn') });
    expect(await getJson(`${url}/`)).toMatchObject({ backend: 'primary', worker: 1 });
    expect(await (await ask(`${url}/health`)).text()).toBe('ok');
    expect(await getJson(`${url}/slow?ms=1`)).toHaveProperty('pid');
    expect(await getJson(`${url}/cpu?ms=1`)).toHaveProperty('pid');
    expect(await (await ask(`${url}/stream?n=2&ms=1`)).text()).toMatch(/"event": 1[^]*"event": 2/);
    expect(await (await ask(`${url}/echo`, { method: 'POST', body: 'again' })).text()).toBe('again');
    await expectEcho(`${url.replace('http', 'ws')}/ws`);
  });
});

describe('the embedded example', () => {
  test('starts an instance by calls, switches it and ends with nothing left', async () => {
    const ports = await freePorts(4);
    const main = join(process.cwd(), 'dist', 'examples', 'embedded', 'main.js');
    const env = { ...process.env, XDG_RUNTIME_DIR: (folder = mkdtempSync(join(tmpdir(), 'understudy-example-'))) };
    child = spawn(process.execPath, [main, ...ports.map(String)], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    output = new ChildOutput(child);
    const [code] = (await once(child, 'close')) as [number];
    expect({ code, stdout: output.stdout, stderr: output.stderr }).toEqual({
      code: 0,
      stdout: 'mode calm: 200 OK\nmode busy: 200 OK\n',
      stderr: '',
    });
  });
});

describe('the omnimind example', () => {
  test('starts the shape that its four variables say', async () => {
    const env = {
      OMNIMIND_APP: 'app:app',
      OMNIMIND_BACKENDS: '3',
      OMNIMIND_WORKERS: '1',
      OMNIMIND_WORKERS_VALIDATION: '2',
      OMNIMIND_VALIDATION_MODE: 'true',
      PYTHONPATH: join(EXAMPLES, 'uvicorn'),
    };
    const url = await startExample(join(EXAMPLES, 'omnimind', 'run_cluster.sh'), [], { cwd: folder ?? tmpdir(), env });
    const ports = new Set<unknown>();
    for (let asked = 0; asked < 8; asked += 1) ports.add((await getJson(`${url}/`))['port']);
    expect(ports.size).toBe(4);
    const pid = child!.pid!;
    child!.kill('SIGTERM');
    await once(child!, 'close');
    expect(processState(pid)).toBeUndefined();
  });

  test('has units that systemd reads without a complaint', () => {
    folder = mkdtempSync(join(tmpdir(), 'understudy-units-'));
    for (const name of ['omnimind.service', 'omnimind.socket']) {
      const text = readFileSync(join(EXAMPLES, 'omnimind', name), 'utf8');
      writeFileSync(join(folder, name), text.replace('/opt/omnimind/run_cluster.sh', '/bin/true'));
    }
    const units = [join(folder, 'omnimind.service'), join(folder, 'omnimind.socket')];
    const { status, stderr } = spawnSync('systemd-analyze', ['verify', ...units], { encoding: 'utf8' });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });

  test('keeps its unit to settings that leave the workers to Understudy', () => {
    const unit = readFileSync(join(EXAMPLES, 'omnimind', 'omnimind.service'), 'utf8');
    expect(unit).toMatch(/^ExecStart=.*run_cluster\.sh$/m);
    expect(unit).toMatch(/^KillMode=process$/m);
    expect(unit).toMatch(/^Type=notify\nNotifyAccess=all$/m);
  });
});
