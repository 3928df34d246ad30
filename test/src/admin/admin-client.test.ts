import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { mkdtempSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { createServer, type Server, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AdminClient, notPermitted } from '../../../src/admin/admin-client.js';
import { acquireInstanceLock } from '../../../src/instance-lock.js';

test("another user's instance is told as such, with whose it is and what to do", () => {
  const cause = Object.assign(new Error('connect EACCES'), { code: 'EACCES' });
  expect(notPermitted('/proc/1/admin.sock', cause)).toMatchObject({
    code: 'not-permitted',
    source: 'operator',
    message: expect.stringMatching(new RegExp(`\\(uid ${statSync('/proc/1').uid}\\).*sudo`)),
  });
});

test('so it is where not even the owner of its folder can be seen', () => {
  const loop = mkdtempSync(join(tmpdir(), 'understudy-loop-'));
  const link = join(loop, 'self');
  symlinkSync(link, link);
  const cause = Object.assign(new Error('connect EACCES'), { code: 'EACCES' });
  expect(notPermitted(join(link, 'admin.sock'), cause).message).toMatch(/\(uid unknown\).*sudo/);
  rmSync(loop, { recursive: true });
});

describe('an instance that does not answer', () => {
  let folder: string;
  let server: Server;
  let client: AdminClient;
  /** What it has been asked, by method and path; only what is in `answered` gets an answer at once. */
  const asked = new Map<string, ServerResponse>();
  let answered: readonly string[];

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'understudy-silent-'));
    const socketPath = join(folder, 'admin.sock');
    client = new AdminClient({ socketPath, patienceMs: 20 });
    asked.clear();
    answered = [];
    server = createServer(({ method, url }, response) => {
      const what = `${method} ${url}`;
      asked.set(what, response);
      if (answered.includes(what)) response.end('{}');
    }).listen(socketPath);
    await once(server, 'listening');
  });
  afterEach(() => {
    server.closeAllConnections();
    server.close();
    rmSync(folder, { recursive: true });
  });

  test('is there, and is told by its pid, with what may be the matter', async () => {
    const lock = acquireInstanceLock(folder);
    await expect(client.status()).rejects.toMatchObject({
      code: 'no-answer',
      message: expect.stringMatching(
        new RegExp(`there \\(pid ${process.pid}\\).*may be stopped.*-CONT ${process.pid}`),
      ),
    });
    lock.release();
    await expect(client.status()).rejects.toThrow(`Somebody listens on ${join(folder, 'admin.sock')}`);
  });

  test('is not told to do anything', async () => {
    const orders = [
      'PUT /v1/mode',
      'PUT /v1/mode?wait=true',
      'POST /v1/leases?wait=true',
      'POST /v1/reload',
      'POST /v1/stop',
    ];
    for (const refused of await Promise.allSettled(orders.map(request))) {
      expect(refused).toMatchObject({ reason: { code: 'no-answer' } });
    }
    expect([...asked.keys()]).toEqual(['GET /v1/status']);
  });

  test('may wait for the pool for as long as that takes', async () => {
    const orders = ['PUT /v1/mode?wait=true', 'POST /v1/backends/primary/drain', 'POST /v1/reload', 'POST /v1/upgrade'];
    answered = ['GET /v1/status'];
    const done = orders.map(request);
    while (!orders.every((order) => asked.has(order))) await once(server, 'request');
    await expect(request('GET /v1/why')).rejects.toMatchObject({ code: 'no-answer' });
    for (const order of orders) asked.get(order)!.end('{"done":true}');
    expect(await Promise.all(done)).toEqual(orders.map(() => ({ done: true })));
  });

  function request(what: string): Promise<unknown> {
    const [method, path] = what.split(' ') as ['GET' | 'PUT' | 'POST', string];
    return client.request({ method, path });
  }
});
