// The last answer on a connection: a client that is slow to take it gets all of it, and one that takes nothing gets no
// clean end that would make it look whole.

import { once } from 'node:events';
import { Duplex } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { DeadlineWheel } from '../../../proxy/deadline-wheel.js';
import type { JudgedRequest } from '../../../proxy/gate.js';
import { defaultProxyOptions } from '../../../proxy/index.js';
import { ClientConnection } from '../../../proxy/lanes/client-connection.js';
import type { MessageServer } from '../../../proxy/lanes/message-server.js';
import { shareBlock } from '../../../proxy/lanes/shared-block-socket.js';
import { connectedPair } from '../../support/connected-pair.js';
import { connectionContext } from '../../support/connection-context.js';
import { ManualClock } from '../../support/manual-clock.js';

/** Takes nothing until it is told to. */
class SlowClient extends Duplex {
  taken = '';
  wasReset = false;
  #accept: (() => void) | undefined;

  override _read(): void {}

  override _write(bytes: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#accept = () => {
      this.taken += bytes.toString('latin1');
      done();
    };
  }

  resetAndDestroy(): void {
    this.wasReset = true;
    this.destroy();
  }

  accept(): void {
    this.#accept?.();
  }
}

const silent: MessageServer = {
  takesBlock: () => false,
  start: () => undefined,
  onBody: () => undefined,
  onBodyEnd: () => undefined,
  onBodyBroken: () => false,
  onHalfClosed: () => undefined,
  onClientGone: () => undefined,
  onClientDrained: () => undefined,
};

describe('the last answer', () => {
  const { deadlines } = defaultProxyOptions;
  let clock: ManualClock;
  let client: SlowClient;

  beforeEach(() => {
    clock = new ManualClock();
    client = new SlowClient({ allowHalfOpen: true });
    const context = connectionContext({
      wheel: new DeadlineWheel(clock),
      serve: (connection: ClientConnection, request: JudgedRequest) => {
        queueMicrotask(() => {
          connection.output.writeText(`answer to ${request.target}`);
          connection.answered(true);
        });
        return silent;
      },
      serveAgain: () => silent,
    });
    new ClientConnection(client, context);
  });

  async function send(request: string): Promise<void> {
    client.push(request);
    await setImmediate();
  }

  test('is waited for, and then the client has a little time to close', async () => {
    await send('GET /1 HTTP/1.1\r\nHost: a\r\n\r\n');
    clock.advance(10_000);
    expect(client.destroyed).toBe(false);
    client.accept();
    await setImmediate();
    expect([client.taken, client.writableFinished, client.destroyed]).toEqual(['answer to /1', true, false]);
    clock.advance(10_000);
    expect([client.destroyed, client.wasReset]).toEqual([true, false]);
  });

  test.each([
    ['a client that said that nothing comes', 'GET /1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n', true],
    ['a client of HTTP/1.0', 'GET /1 HTTP/1.0\r\nHost: a\r\n\r\n', true],
    [
      'a client that sent more all the same',
      'GET /1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\nGET /2 HTTP/1.1\r\n',
      false,
    ],
    [
      'a body, which some send more behind',
      'POST /1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 2\r\n\r\nab',
      false,
    ],
  ])('closes both sides at once when it is taken, or not: %s', async (_who, request, atOnce) => {
    await send(request);
    expect(client.destroyed).toBe(false);
    client.accept();
    await setImmediate();
    expect([client.taken, client.writableFinished, client.destroyed]).toEqual(['answer to /1', true, atOnce]);
  });

  test('ends in a reset when nothing of it is taken for as long as a body may be silent', async () => {
    await send('GET /1 HTTP/1.1\r\nHost: a\r\n\r\n');
    clock.advance(deadlines.bodyIdleMs + 10_000);
    expect([client.destroyed, client.wasReset]).toEqual([true, true]);
  });
});

test('a connection whose client never takes the last answer is let go', async () => {
  const clock = new ManualClock();
  const { near, far } = await connectedPair();
  const { socket, source } = shareBlock(far);
  const served = new Promise<void>((resolve) => {
    const context = connectionContext({
      wheel: new DeadlineWheel(clock),
      serve: (connection: ClientConnection) => {
        connection.output.writeText('x'.repeat(32 * 1024 * 1024));
        connection.answered(true);
        resolve();
        return silent;
      },
      serveAgain: () => silent,
    });
    new ClientConnection(socket, context, source);
  });
  near.on('error', () => undefined);
  near.write('GET /1 HTTP/1.1\r\nHost: a\r\n\r\n');
  await served;
  await setImmediate();
  // It fails where there is an error before.
  const closed = once(socket, 'close');
  clock.advance(defaultProxyOptions.deadlines.bodyIdleMs + 10_000);
  await closed;
  near.destroy();
});
