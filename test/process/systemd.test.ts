// As a service of systemd: told by its real programs, before a notify socket that stands in for the manager's.
import { afterEach, describe, expect, test } from '@jest/globals';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { StatusView } from '../../src/admin/status-view.js';
import { ChildOutput } from '../support/child-output.js';
import { freePorts } from '../support/free-port.js';
import { SteadyLoad } from '../support/steady-load.js';
import { CLI_PATH, UnderstudyProcess } from '../support/understudy-process.js';
import { uvicornCommand } from '../support/uvicorn.js';

const NOTIFY_SOCKET = join(process.cwd(), 'test', 'fixtures', 'notify_socket.py');
const SOCKET_KEEPER = join(process.cwd(), 'test', 'fixtures', 'socket_keeper.py');
const UVICORN_EXAMPLE = join(process.cwd(), 'examples', 'uvicorn');
const ONE_WORKER = { backendCount: 1, config: { modes: { production: { active: 1 } } } };

let instance: UnderstudyProcess;
const children: ChildProcess[] = [];

afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGTERM');
      await once(child, 'exit');
    }
  }
  await instance.dispose();
});

function pidsOf({ backends }: StatusView): (number | null)[] {
  return backends.flatMap(({ workers }) => workers.map(({ pid }) => pid));
}

function start(command: readonly string[]): ChildOutput {
  const child = spawn(command[0]!, command.slice(1), { stdio: ['ignore', 'pipe', 'pipe'] });
  children.push(child);
  return new ChildOutput(child);
}

describe('a service of Type=notify', () => {
  test('tells that it is ready, that it lives and that it stops', async () => {
    instance = await UnderstudyProcess.prepare(ONE_WORKER);
    const path = join(instance.folder, 'notify');
    const manager = start(['/usr/bin/python3', NOTIFY_SOCKET, path]);
    await manager.waitFor(/listening/);

    instance.launch({ env: { NOTIFY_SOCKET: path, WATCHDOG_USEC: '1000000' } });
    // Its lines may come in pieces.
    await manager.waitFor(/STATUS=ready.*\n/);
    expect(manager.stdout).toContain(`MAINPID=${instance.pid}\nREADY=1\nSTATUS=ready on ${instance.url}\n`);
    await manager.waitFor(/WATCHDOG=1/);
    instance.signal('SIGTERM');
    expect(await instance.waitForExit()).toBe(0);
    await manager.waitFor(/STOPPING=1/);
  });

  test('serves, and says what is missing, when it cannot be told', async () => {
    instance = await UnderstudyProcess.prepare(ONE_WORKER);
    instance.launch({ env: { NOTIFY_SOCKET: join(instance.folder, 'nobody') } });
    await instance.waitForOutput(/systemd can not be told how we are/);
    expect((await fetch(instance.url)).status).toBe(200);
  });
});

describe('socket activation', () => {
  test('serves on the socket that systemd opened, whatever port the config says', async () => {
    instance = await UnderstudyProcess.prepare(ONE_WORKER);
    const [port] = await freePorts(1);
    const run = [process.execPath, CLI_PATH, 'run', '--config', instance.configPath];
    const service = start(['systemd-socket-activate', '--listen', `127.0.0.1:${port}`, ...run]);
    await service.waitFor(/Listening on/);

    // The one connection that starts the service is answered too.
    const answer = await fetch(`http://127.0.0.1:${port}/`);
    expect(answer.status).toBe(200);
    expect(await answer.json()).toMatchObject({ port: instance.backendPorts[0] });
    await service.waitFor(new RegExp(`understudy is ready on http://127\\.0\\.0\\.1:${port}`));
  });

  test('loses no request in a restart: the socket stays, the workers are adopted', async () => {
    instance = await UnderstudyProcess.prepare({ config: { command: uvicornCommand('app:app', UVICORN_EXAMPLE) } });
    const [port] = await freePorts(1);
    const run = [process.execPath, CLI_PATH, 'run', '--keep-workers', '--config', instance.configPath];
    const keeper = start(['/usr/bin/python3', SOCKET_KEEPER, String(port), ...run]);
    await keeper.waitFor(/understudy is ready/);
    const before = await instance.status();
    const load = new SteadyLoad({ url: `http://127.0.0.1:${port}/`, connections: 4 });
    await load.waitForAnswers(50);

    process.kill(before.instance.pid, 'SIGTERM');
    await keeper.waitFor(/understudy is ready[^]*understudy is ready/);
    await load.waitForAnswers(50);
    expect((await load.stop()).failures).toEqual([]);
    const after = await instance.status();
    expect(after.instance.pid).not.toBe(before.instance.pid);
    expect(pidsOf(after)).toEqual(pidsOf(before));
  });
});
