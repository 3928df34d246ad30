// The hooks of sleep on real sockets and real programs: what counts as done, and that every way to fail is told in words.
import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import { runningHere } from '../../pool/resources/run-with-deadline.js';
import { runHook, type Hook } from '../../pool/sleep-hooks.js';
import { systemClock } from '../../src/core/clock.js';

let server: Server | undefined;

afterEach(async () => {
  if (server === undefined) return;
  const closed = once(server, 'close');
  server.close();
  server.closeAllConnections();
  await closed;
  server = undefined;
});

async function listen(listener: RequestListener): Promise<number> {
  server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

function run(hook: Hook, port = 1): Promise<string | undefined> {
  const address = { kind: 'tcp', host: '127.0.0.1', port } as const;
  return runHook(
    hook,
    { pid: 4711, address, name: 'fallback', worker: 2 },
    { clock: systemClock, run: runningHere(systemClock) },
  );
}

const wake = { method: 'POST', path: '/wake_up?tags=weights', timeoutMs: 10_000 };

describe('a hook by HTTP', () => {
  test('sends its method, path, headers and body, and is done with an answer below 400', async () => {
    let seen: unknown;
    const port = await listen((request, response) => {
      void (async () => {
        let body = '';
        for await (const chunk of request) body += String(chunk);
        seen = { method: request.method, url: request.url, key: request.headers['x-key'], body };
        response.end();
      })();
    });
    expect(await run({ ...wake, headers: { 'x-key': 'k' }, body: '{"a":1}' }, port)).toBeUndefined();
    expect(seen).toEqual({ method: 'POST', url: wake.path, key: 'k', body: '{"a":1}' });
  });

  test.each([
    ['a status that is an error', {}, { status: 500, body: '' }, 'POST /wake_up?tags=weights was answered 500'],
    ['another status than expected', { expectStatus: 204 }, { status: 200, body: '' }, 'was answered 200, not 204'],
    ['an answer without its mark', { expectBody: 'Paris' }, { status: 200, body: '!!' }, 'without "Paris": "!!"'],
  ])('tells %s', async (_, wanted, { status, body }, says) => {
    const port = await listen((_request, response) => response.writeHead(status).end(body));
    expect(await run({ ...wake, ...wanted }, port)).toContain(says);
  });

  test('tells when nobody listens, and when nobody answers in time', async () => {
    const port = await listen(() => undefined);
    expect(await run({ ...wake, timeoutMs: 50 }, port)).toContain('was not answered within 50 ms');
    expect(await run(wake, 1)).toContain('failed (ECONNREFUSED)');
  });
});

describe('a hook by command', () => {
  const command = (...args: string[]) => ({ command: args, timeoutMs: 10_000 });

  test('gets the facts of its worker, and is done with exit code 0', async () => {
    expect(
      await run(
        command('sh', '-c', 'test "$1" = "4711 127.0.0.1 80 fallback 2"', 'sh', '{pid} {host} {port} {name} {worker}'),
        80,
      ),
    ).toBeUndefined();
  });

  test('tells its exit code with its last words, a program that is missing, and one that hangs', async () => {
    expect(await run(command('sh', '-c', 'echo no CUDA here >&2; exit 3'))).toMatch(/ended with code 3: no CUDA here$/);
    expect(await run(command('no-such-program'))).toBe('`no-such-program`: there is no such program');
    expect(await run({ command: ['sleep', '1000'], timeoutMs: 50 })).toBe('`sleep 1000` did not end within 50 ms');
  });
});
