import { expect, test } from '@jest/globals';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { ClientLoad, type Outcome } from '../../../src/chaos/client-load.js';
import { systemClock } from '../../../src/core/clock.js';
import { ManualClock } from '../../support/manual-clock.js';

test('a load stops at its signal though a request is never answered, and counts none that was broken off', async () => {
  const silent = createServer().listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const outcomes: Outcome[] = [];
  const load = new ClientLoad({
    url: () => `http://127.0.0.1:${(silent.address() as AddressInfo).port}`,
    connections: 1,
    thinkMs: 0,
    clock: systemClock,
    next: () => ({ method: 'GET', path: '/' }),
    onOutcome: (outcome) => outcomes.push(outcome),
  });
  await once(silent, 'connection');
  const ended = new AbortController();
  const stopped = load.stop(ended.signal);
  ended.abort();
  await stopped;
  expect(outcomes).toEqual([]);
  silent.close();
});

test('a load gives up what has no end ten seconds after it was to stop', async () => {
  const stream = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.write('HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n');
  }).listen(0, '127.0.0.1');
  await once(stream, 'listening');
  const clock = new ManualClock();
  const outcomes: Outcome[] = [];
  const load = new ClientLoad({
    url: () => `http://127.0.0.1:${(stream.address() as AddressInfo).port}`,
    connections: 1,
    thinkMs: 0,
    clock,
    next: () => ({ method: 'GET', path: '/' }),
    onOutcome: (outcome) => outcomes.push(outcome),
  });
  await once(stream, 'connection');
  const stopped = load.stop();
  clock.advance(10_000);
  await stopped;
  expect(outcomes).toEqual([]);
  stream.close();
});
