// The one drain of mode switches, restarts and stops, on real uvicorn: what lasts longer than its time ends with an explicit
// error, never with an end that looks clean.
import { afterEach, expect, test } from '@jest/globals';
import { request, type IncomingMessage } from 'node:http';
import { once } from 'node:events';
import { CLOSE_SERVICE_RESTART, openWebSocket } from '../support/raw-websocket.js';
import { RawConnection } from '../support/raw-connection.js';
import { UnderstudyProcess } from '../support/understudy-process.js';
import { uvicornCommand } from '../support/uvicorn.js';

const WORKERS = 3;

let instance: UnderstudyProcess;
let connections: RawConnection[] = [];

afterEach(async () => {
  for (const connection of connections) connection.close();
  connections = [];
  await instance.dispose();
});

/** One after the other, so that each worker gets one of them. */
async function openOnEach<Kind>(open: () => Promise<Kind>): Promise<Kind[]> {
  const opened: Kind[] = [];
  for (let index = 0; index < WORKERS; index += 1) opened.push(await open());
  return opened;
}

async function openStream(): Promise<RawConnection> {
  const connection = await RawConnection.open(instance.frontPort);
  connections.push(connection);
  await connection.write('GET /events HTTP/1.1\r\nHost: a\r\n\r\n').waitFor(/data: \d+\n\n/);
  return connection;
}

async function openSocket(): Promise<RawConnection> {
  const connection = await openWebSocket(instance.frontPort);
  connections.push(connection);
  return connection;
}

/** Resolves once the request is with a worker; `answer` with what came of it. */
async function openLongRequest(): Promise<{ answer: Promise<string> }> {
  const before = (await instance.status()).front.inflight;
  const sent = request(`${instance.url}/wait`, { method: 'POST', agent: false }).end();
  const answer = once(sent, 'response').then(([response]) => {
    const { statusCode, headers } = (response as IncomingMessage).resume();
    return `${statusCode} ${String(headers['x-understudy-reason'])}`;
  });
  await instance.waitForStatusChange(({ front }) => front.inflight > before);
  return { answer };
}

const CAUSES: [string, number, () => Promise<unknown>][] = [
  ['a switch of the mode', 1, () => instance.command('--validation')],
  ['a restart', 1, () => instance.command('restart', 'primary')],
  ['a stop', WORKERS, () => Promise.resolve(instance.signal('SIGTERM'))],
];

test.each(CAUSES)(
  '%s ends what lasts too long on the workers that it drains (%d) with an explicit error',
  async (_cause, drained, act) => {
    instance = await UnderstudyProcess.start({
      config: {
        command: uvicornCommand('waiting_app:app'),
        stop: { drainTimeout: '200ms', streamDrainTimeout: '400ms', grace: '300ms' },
      },
    });
    const streams = await openOnEach(openStream);
    const sockets = await openOnEach(openSocket);
    const requests = await openOnEach(openLongRequest);
    const firstAnswers: string[] = [];
    for (const { answer } of requests) void answer.then((text) => firstAnswers.push(text)).catch(() => undefined);
    await act();
    const ended = (list: RawConnection[]) => list.filter(({ ended: over }) => over);
    while (ended(streams).length < drained)
      await Promise.race(streams.filter((one) => !one.ended).map((one) => one.waitForEnd()));
    while (ended(sockets).length < drained)
      await Promise.race(sockets.filter((one) => !one.ended).map((one) => one.waitForEnd()));
    for (const { received } of ended(streams)) {
      expect(received).toMatch(/event: error\ndata: \{"code":"upstream-drained"\}\n\n\r\n$/);
    }
    for (const { received } of ended(sockets)) expect(received.slice(-4)).toBe(CLOSE_SERVICE_RESTART);
    expect(firstAnswers).toEqual(Array.from({ length: drained }, () => '502 upstream-drained'));
    expect([ended(streams).length, ended(sockets).length]).toEqual([drained, drained]);
  },
  60_000,
);
