import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { EventEmitter, once } from 'node:events';
import { mkdtempSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AdminClient, notPermitted } from '../../../src/admin/admin-client.js';
import type { Timer } from '../../../src/core/clock.js';
import { acquireInstanceLock, type InstanceLock } from '../../../src/instance-lock.js';
import { ManualClock } from '../../support/manual-clock.js';

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

describe('while nobody listens on the socket of a folder that somebody has', () => {
  let folder: string;
  let lock: InstanceLock;
  let client: AdminClient;
  let server: Server;
  const asked: string[] = [];
  /** Fires when a try has failed, and the next one waits for its time. */
  const tries = new EventEmitter();
  class TellingClock extends ManualClock {
    override startTimer(delayMs: number, callback: () => void): Timer {
      const timer = super.startTimer(delayMs, callback);
      tries.emit('failed');
      return timer;
    }
  }
  let clock: TellingClock;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'understudy-handed-over-'));
    lock = acquireInstanceLock(folder);
    clock = new TellingClock();
    client = new AdminClient({ socketPath: join(folder, 'admin.sock'), clock });
    asked.length = 0;
    server = createServer(({ method, url }, response) => {
      asked.push(`${method} ${url}`);
      response.end('{"done":true}');
    });
  });
  afterEach(() => {
    server.closeAllConnections();
    server.close();
    rmSync(folder, { recursive: true });
  });

  async function listen(): Promise<void> {
    server.listen(join(folder, 'admin.sock'));
    await once(server, 'listening');
    clock.advance(1_000);
  }

  test.each([
    ['a question', 'GET', '/v1/why', ['GET /v1/why']],
    ['an order', 'PUT', '/v1/mode', ['GET /v1/status', 'PUT /v1/mode']],
  ] as const)('%s waits until somebody does, and comes once', async (_what, method, path, heard) => {
    const failed = once(tries, 'failed');
    const answer = client.request({ method, path });
    await failed;
    await listen();
    expect(await answer).toEqual({ done: true });
    expect(asked).toEqual(heard);
  });

  test('nobody waits longer than a hand-over takes', async () => {
    const failed = once(tries, 'failed');
    const refusal = expect(client.status()).rejects.toMatchObject({
      code: 'no-instance',
      message: expect.stringContaining(`(pid ${process.pid})`),
    });
    await failed;
    clock.advance(2_000);
    await refusal;
  });

  test('a question that was cut off is asked again, an order is not', async () => {
    let cuts = 0;
    server.removeAllListeners('request');
    server.on('request', ({ method, url }: IncomingMessage, response: ServerResponse) => {
      asked.push(`${method} ${url}`);
      if ((method === 'GET' && (cuts += 1) > 1) || url === '/v1/status') response.end('{}');
      else response.destroy();
    });
    await listen();
    const failed = once(tries, 'failed');
    const answer = client.request({ method: 'GET', path: '/v1/why' });
    await failed;
    clock.advance(20);
    expect(await answer).toEqual({});
    await expect(client.request({ method: 'POST', path: '/v1/stop' })).rejects.toMatchObject({
      code: 'connection-lost',
    });
    expect(asked).toEqual(['GET /v1/why', 'GET /v1/why', 'GET /v1/status', 'POST /v1/stop']);
  });

  test('once nobody has the folder any more it is told at once that none runs', async () => {
    lock.release();
    await expect(client.status()).rejects.toMatchObject({
      code: 'no-instance',
      message: expect.stringContaining("'understudy run'"),
    });
    expect(clock.pendingTimers).toBe(0);
  });

  test('who waits can give up', async () => {
    const failed = once(tries, 'failed');
    const given = new AbortController();
    const answer = client.status(given.signal);
    await failed;
    given.abort();
    await expect(answer).rejects.toMatchObject({ name: 'AbortError' });
    expect(clock.pendingTimers).toBe(0);
  });
});
