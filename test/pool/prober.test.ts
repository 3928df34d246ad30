// Probes on real sockets, against a worker that writes literal bytes: what passes, and what each way to fail is called.
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, Socket, type AddressInfo, type ListenOptions, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { nothingAnnounced } from '../../pool/announcement.js';
import { probeHttp } from '../../pool/prober.js';
import type { ProbeOptions, ProbeResult } from '../../pool/worker-runtime.js';
import { systemClock } from '../../src/core/clock.js';
import type { UpstreamAddress } from '../../src/core/traffic-port.js';
import { ManualClock } from '../support/manual-clock.js';

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

let server: Server | undefined;
const sockets = new Set<Socket>();

afterEach(async () => {
  if (server === undefined) return;
  const closed = once(server, 'close');
  server.close();
  for (const socket of sockets) socket.destroy();
  await closed;
  server = undefined;
});

/** Answers each request, once its head is there, with `answer`; returns what was asked. */
async function listen(answer: string | ((socket: Socket) => void), where: ListenOptions = {}): Promise<string[]> {
  const asked: string[] = [];
  server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('close', () => sockets.delete(socket));
    socket.on('data', (bytes) => {
      asked.push(bytes.toString('latin1'));
      if (typeof answer === 'string') socket.write(answer);
      else answer(socket);
    });
  });
  server.listen(where.path === undefined ? { port: 0, host: '127.0.0.1' } : where);
  await once(server, 'listening');
  return asked;
}

function address(): UpstreamAddress {
  return { kind: 'tcp', host: '127.0.0.1', port: (server!.address() as AddressInfo).port };
}

function probe(options: Partial<ProbeOptions> = {}, at = address(), clock = systemClock): Promise<ProbeResult> {
  const signal = new AbortController().signal;
  return probeHttp(at, { path: '/health', timeoutMs: 60_000, signal, ...options }, clock);
}

function passed(announced = nothingAnnounced): ProbeResult {
  return { kind: 'passed', status: 200, announced };
}

describe('a probe', () => {
  test('asks with GET and closes', async () => {
    const asked = await listen(OK);
    expect(await probe({ path: '/ready?deep=1' })).toEqual(passed());
    expect(asked).toHaveLength(1);
    expect(asked[0]).toMatch(/^GET \/ready\?deep=1 HTTP\/1\.1\r\n/);
    expect(asked[0]!.toLowerCase()).toMatch(/\r\nconnection: close\r\n/);
  });

  test('has a connection of its own each time', async () => {
    await listen(OK);
    let connections = 0;
    server!.on('connection', () => (connections += 1));
    await probe();
    await probe();
    expect(connections).toBe(2);
  });

  test('reaches a worker on a Unix socket', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'understudy-probe-'));
    try {
      const path = join(folder, 'worker.sock');
      await listen(OK, { path });
      expect(await probe({}, { kind: 'unix', path })).toEqual(passed());
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  test.each([
    [499, undefined, 'passed'],
    [500, undefined, 'bad-status'],
    [503, 503, 'passed'],
    [200, 204, 'bad-status'],
  ])('answered %i where %p is expected: %s', async (status, expectStatus, kind) => {
    await listen(`HTTP/1.1 ${status} Whatever\r\nContent-Length: 0\r\n\r\n`);
    expect(await probe({ expectStatus })).toMatchObject({ kind, status });
  });

  test.each([
    ['chunks', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n'],
    ['a 103 before it', `HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n${OK}`],
    ['an end that only the close tells', (socket: Socket) => socket.end('HTTP/1.1 200 OK\r\n\r\nok')],
    ['no body', 'HTTP/1.1 204 No Content\r\n\r\n'],
  ])('passes with %s', async (_what, answer) => {
    await listen(answer);
    expect((await probe()).kind).toBe('passed');
  });

  test('passes with an answer that has no end', async () => {
    await listen((socket) => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      const more = (error?: Error | null) => {
        if (!error) socket.write('x'.repeat(16 * 1024), more);
      };
      more();
    });
    expect(await probe()).toEqual(passed());
  });
});

describe('what an app announces of itself', () => {
  const body = 'drain\nmaxInflight: 4\n';
  const announcement = (head: string) => `HTTP/1.1 200 OK\r\n${head}\r\n\r\n${body}`;

  test('is read from a short plain text', async () => {
    await listen(announcement(`Content-Type: text/plain; charset=utf-8\r\nContent-Length: ${body.length}`));
    expect(await probe()).toEqual(passed({ drain: true, down: undefined, maxInflight: 4 }));
  });

  test('is nothing in another type', async () => {
    await listen(announcement(`Content-Type: text/html\r\nContent-Length: ${body.length}`));
    expect(await probe()).toEqual(passed());
  });

  test('is nothing where no length was told', async () => {
    await listen((socket) => socket.end(announcement('Content-Type: text/plain')));
    expect(await probe()).toEqual(passed());
  });
});

describe('a probe that fails', () => {
  test('is refused where nobody listens', async () => {
    await listen(OK);
    const at = address();
    server!.close();
    await once(server!, 'close');
    server = undefined;
    expect(await probe({}, at)).toEqual({ kind: 'refused' });
    expect(await probe({}, { kind: 'unix', path: join(tmpdir(), 'nobody-listens-here.sock') })).toEqual({
      kind: 'refused',
    });
  });

  test.each([
    ['no answer', ''],
    ['a head and no body', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n'],
    ['half a head', 'HTTP/1.1 200 OK\r\nContent-'],
  ])('is a timeout with %s', async (_what, answer) => {
    const clock = new ManualClock();
    let heard: () => void;
    const asked = new Promise<void>((resolve) => (heard = resolve));
    await listen((socket) => socket.write(answer, heard));
    const result = probe({ timeoutMs: 500 }, address(), clock);
    await asked;
    clock.advance(500);
    expect(await result).toEqual({ kind: 'timeout' });
  });

  test.each([
    ['garbage', '\0\x01\x02 no HTTP at all\r\n\r\n', /^HPE_/],
    ['two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok', /^HPE_/],
    ['a head beyond all bounds', `HTTP/1.1 200 OK\r\nX-Long: ${'x'.repeat(70_000)}`, /^HPE_HEADER_OVERFLOW$/],
  ])('is broken with %s', async (_what, answer, reason) => {
    await listen(answer);
    expect(await probe()).toEqual({ kind: 'broken', reason: expect.stringMatching(reason) });
  });

  test.each([
    ['before its head', ''],
    ['within its body', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nok'],
  ])('is broken where the worker hangs up %s', async (_what, answer) => {
    await listen((socket) => socket.end(answer));
    expect(await probe()).toEqual({ kind: 'broken', reason: 'ECONNRESET' });
  });

  test('is broken where the worker switches protocols instead of answering', async () => {
    await listen('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
    expect(await probe()).toEqual({ kind: 'broken', reason: 'closed without an answer' });
  });

  test('ends when nobody wants to know any more', async () => {
    const stopped = new AbortController();
    await listen(() => stopped.abort());
    expect(await probe({ signal: stopped.signal })).toMatchObject({ kind: 'broken' });
  });
});

describe('a probe that finds no connection', () => {
  const tcp: UpstreamAddress = { kind: 'tcp', host: '127.0.0.1', port: 1 };
  const unix: UpstreamAddress = { kind: 'unix', path: '/run/worker.sock' };

  afterEach(() => void jest.restoreAllMocks());

  function failToConnect(error: Error): void {
    jest.spyOn(Socket.prototype, 'connect').mockImplementation(function (this: Socket) {
      // Told later, as the kernel's answer is.
      Object.assign(this, { connecting: true });
      setImmediate(() => this.destroy(error));
      return this;
    });
  }

  function systemError(code: string): Error {
    return Object.assign(new Error(`connect ${code}`), { code });
  }

  test.each(['EMFILE', 'ENFILE', 'ENOMEM', 'ENOBUFS', 'EADDRNOTAVAIL', 'EAGAIN'])(
    'says nothing of the worker for want of our own means (%s)',
    async (code) => {
      failToConnect(systemError(code));
      expect(await probe({}, tcp)).toEqual({ kind: 'unknown', reason: code });
    },
  );

  test.each<[string, UpstreamAddress]>([
    ['ECONNRESET', tcp],
    ['EHOSTUNREACH', tcp],
    // The worker's own queue of connections is full.
    ['EAGAIN', unix],
  ])('is broken with %s', async (code, at) => {
    failToConnect(systemError(code));
    expect(await probe({}, at)).toEqual({ kind: 'broken', reason: code });
  });

  test.each<[readonly string[], ProbeResult]>([
    [['EADDRNOTAVAIL', 'ECONNREFUSED'], { kind: 'refused' }],
    [['EADDRNOTAVAIL', 'EMFILE'], { kind: 'unknown', reason: 'EADDRNOTAVAIL' }],
  ])('of a name with two addresses is judged by what is not our own lack: %j', async (codes, result) => {
    failToConnect(Object.assign(new AggregateError(codes.map(systemError)), { code: codes[0] }));
    expect(await probe({}, tcp)).toEqual(result);
  });
});
