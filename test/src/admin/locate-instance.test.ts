import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { locateInstance, socketIn } from '../../../src/admin/locate-instance.js';
import { readProcessStat } from '../../../src/core/process-stat.js';
import { acquireInstanceLock } from '../../../src/instance-lock.js';
import { freePorts } from '../../support/free-port.js';

let folder: string;
let places: readonly string[];
const servers: Server[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'understudy-locate-'));
  places = ['likeliest', 'other'].map((name) => join(folder, name));
  for (const place of places) mkdirSync(place);
});

afterEach(() => {
  for (const server of servers.splice(0)) server.close();
  rmSync(folder, { recursive: true, force: true });
});

test.each([
  ['the likeliest place where none runs', [], [], 0],
  ['the likeliest place where both run', [0, 1], [], 0],
  ['the other place where only that one runs', [1], [], 1],
  ['the other place where the likeliest one has died', [1], [0], 1],
])('an instance is looked for in %s', async (_what, running, dead, expected) => {
  const sockets = places.map((place) => join(place, 'admin.sock'));
  for (const index of dead) writeFileSync(sockets[index]!, '');
  for (const index of running) {
    const server = createServer((socket) => socket.destroy()).listen(sockets[index]);
    servers.push(server);
    await once(server, 'listening');
  }
  expect(await socketIn(places)).toBe(sockets[expected]);
});

test('where nobody listens the instance is looked for in the folder that somebody has: it is just being handed over', async () => {
  const lock = acquireInstanceLock(places[1]!);
  expect(await socketIn(places)).toBe(join(places[1]!, 'admin.sock'));
  lock.release();
  expect(await socketIn(places)).toBe(join(places[0]!, 'admin.sock'));
});

test('behind an admin port whoever is silent is there, and whoever refuses is not', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port: adminPort } = server.address() as AddressInfo;
  const hint = { adminPort, runtimeDirs: () => [], patienceMs: 20 };
  const accepted = once(server, 'connection');
  await expect(locateInstance(hint)).rejects.toMatchObject({
    code: 'no-answer',
    message: expect.stringContaining(`Somebody listens on 127.0.0.1:${adminPort}, but does not answer`),
  });
  const [socket] = (await accepted) as [Socket];
  socket.destroy();
  server.close();
  await once(server, 'close');
  await expect(locateInstance(hint)).rejects.toMatchObject({ code: 'no-instance' });
});

test.each([
  ['was removed', undefined],
  ['is a file that somebody else has left', 'likeliest'],
])('an instance whose socket %s is told as one that runs', async (_what, deadIn) => {
  const adminSocket = join(folder, deadIn ?? 'removed', 'admin.sock');
  if (deadIn !== undefined) writeFileSync(adminSocket, '');
  const server = createHttpServer((_request, response) => {
    response.setHeader('connection', 'close').end(JSON.stringify({ instance: { pid: 4711, adminSocket } }));
  }).listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  const { port: adminPort } = server.address() as AddressInfo;
  await expect(locateInstance({ adminPort, runtimeDirs: () => [] })).rejects.toMatchObject({
    code: 'socket-gone',
    message: expect.stringMatching(new RegExp(`runs \\(pid 4711\\).*${adminSocket}.*'kill 4711'`)),
  });
});

test('behind an admin port the address of the config is asked too, where nothing answers on loopback', async () => {
  const adminSocket = join(folder, 'admin.sock');
  const socketServer = createServer((socket) => socket.destroy()).listen(adminSocket);
  const server = createHttpServer((_request, response) => {
    response.setHeader('connection', 'close').end(JSON.stringify({ instance: { pid: 4711, adminSocket } }));
  }).listen(0, '127.0.0.2');
  servers.push(server, socketServer);
  await once(server, 'listening');
  const { port: adminPort } = server.address() as AddressInfo;
  const hint = { adminPort, runtimeDirs: () => [] };
  await expect(locateInstance({ ...hint, adminHost: () => '127.0.0.2' })).resolves.toBeDefined();
  await expect(locateInstance({ ...hint, adminHost: () => '127.0.0.3' })).rejects.toMatchObject({
    code: 'no-instance',
    message: expect.stringContaining(`127.0.0.3:${adminPort}`),
  });
  await expect(locateInstance({ ...hint, adminHost: () => undefined })).rejects.toMatchObject({ code: 'no-instance' });
});

describe('where the config file is known', () => {
  const path = '/etc/understudy.yaml';

  /** In a folder that a living process has. */
  async function startInstance(place: string, configPath: string | null): Promise<string> {
    const runtimeDir = join(folder, place);
    mkdirSync(runtimeDir, { recursive: true });
    writeFileSync(join(runtimeDir, 'understudy.pid'), `${process.pid} ${readProcessStat(process.pid)!.startTicks}\n`);
    const adminSocket = join(runtimeDir, 'admin.sock');
    const server = createHttpServer((_request, response) => {
      const instance = { pid: 4711, adminSocket, configPath };
      response.setHeader('connection', 'close').end(JSON.stringify({ instance }));
    }).listen(adminSocket);
    servers.push(server);
    await once(server, 'listening');
    return place;
  }

  /** The place of the one that is found: by what it would be asked, since a client does not tell its socket. */
  async function locate({ required = true }: { readonly required?: boolean } = {}): Promise<string> {
    const [adminPort] = await freePorts(1);
    const client = await locateInstance({
      runtimeDirs: () => [join(folder, 'understudy-9010')],
      configFile: () => ({ path, adminPort: adminPort!, runtimeParents: [folder], required }),
    });
    return basename(dirname((await client.status()).instance.adminSocket));
  }

  test('the one that was started with it is found under the port of before', async () => {
    await startInstance('understudy-9000', path);
    await startInstance('understudy-9005', '/etc/another.yaml');
    expect(await locate()).toBe('understudy-9000');
  });

  test('the one that was started with it is preferred to another on the new port', async () => {
    await startInstance('understudy-9000', path);
    await startInstance('understudy-9010', '/etc/another.yaml');
    expect(await locate()).toBe('understudy-9000');
  });

  test('the one on its port is taken where two were started with it', async () => {
    for (const place of ['understudy-9000', 'understudy-9010']) await startInstance(place, path);
    expect(await locate()).toBe('understudy-9010');
  });

  test('none is guessed where two were started with it, and none on its port', async () => {
    for (const place of ['understudy-9000', 'understudy-9005']) await startInstance(place, path);
    await expect(locate()).rejects.toMatchObject({ code: 'no-instance' });
  });

  test('one that was started with another is refused by name where only the right one will do', async () => {
    await startInstance('understudy-9010', '/etc/another.yaml');
    await expect(locate()).rejects.toMatchObject({
      code: 'other-config',
      message: expect.stringMatching(/started with \/etc\/understudy\.yaml.*pid 4711.*\/etc\/another\.yaml/),
    });
    expect(await locate({ required: false })).toBe('understudy-9010');
  });

  test('one that was started without any is taken on its port', async () => {
    await startInstance('understudy-9010', null);
    expect(await locate()).toBe('understudy-9010');
  });
});

test("another user's folder is not taken for ours, whoever listens there", async () => {
  const socketOf = (place: string) => join(place, 'admin.sock');
  const server = createServer((socket) => socket.destroy()).listen(socketOf(places[1]!));
  servers.push(server);
  await once(server, 'listening');
  const uid = jest.spyOn(process, 'getuid').mockReturnValue(process.getuid!() + 1);
  const found = await socketIn(places);
  uid.mockRestore();
  expect(found).toBe(socketOf(places[0]!));
});
