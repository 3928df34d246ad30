import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Agent, type Dispatcher } from 'undici';
import { FaultRelay } from '../../../src/chaos/fault-relay.js';
import { freePorts } from '../../support/free-port.js';

const BODY = 'x'.repeat(100_000);

let server: Server;
let relay: FaultRelay;
let client: Agent;
let origin: string;

beforeEach(async () => {
  server = createServer((request, response) => response.end(request.url === '/large' ? BODY : 'well')).listen(0);
  await once(server, 'listening');
  const [port] = await freePorts(1);
  const innerPort = (server.address() as AddressInfo).port;
  relay = new FaultRelay({ host: '127.0.0.1', port: port!, innerPort, healthPath: '/health' });
  await relay.listen();
  client = new Agent();
  origin = `http://127.0.0.1:${port}`;
});

afterEach(async () => {
  await client.destroy();
  relay.close();
  server.closeAllConnections();
  server.close();
});

function ask(path: string): Promise<Dispatcher.ResponseData> {
  return client.request({ origin, path, method: 'GET' });
}

async function textOf(path: string): Promise<string> {
  return (await ask(path)).body.text();
}

describe('a fault relay', () => {
  test('passes requests and answers on when it is well', async () => {
    expect(await textOf('/')).toBe('well');
    expect(await textOf('/large')).toBe(BODY);
  });

  test('refuses connections and cuts the present ones when told to refuse, until the fault ends', async () => {
    expect(await textOf('/')).toBe('well');
    relay.begin('refuse');
    await expect(ask('/')).rejects.toMatchObject({
      code: expect.stringMatching(/ECONNREFUSED|ECONNRESET|UND_ERR_SOCKET/),
    });
    await expect(ask('/')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    await relay.end();
    expect(await textOf('/')).toBe('well');
  });

  test('answers 503 with its mark to everything but the health path when told to', async () => {
    relay.begin('answer-503');
    const { statusCode, headers, body } = await ask('/');
    await body.dump();
    expect(statusCode).toBe(503);
    expect(headers).toMatchObject({ 'x-understudy-chaos': 'answer-503' });
    expect(await textOf('/health')).toBe('well');
  });

  test('answers what hung once the fault ends', async () => {
    relay.begin('hang');
    const hanging = textOf('/');
    await relay.end();
    expect(await hanging).toBe('well');
  });

  test('resets the connection after a part of the body when told to', async () => {
    relay.begin('reset-mid-body');
    const { statusCode, body } = await ask('/large');
    expect(statusCode).toBe(200);
    await expect(body.text()).rejects.toThrow();
  });
});
