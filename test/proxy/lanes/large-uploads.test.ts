// Large uploads are written out of the block that they were read into. An upstream that is slow must still get what was
// meant for it, whatever comes to others meanwhile, and on the same connection next.
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { DeadlineWheel } from '../../../proxy/deadline-wheel.js';
import { defaultProxyOptions } from '../../../proxy/index.js';
import { ClientConnection } from '../../../proxy/lanes/client-connection.js';
import type { ConnectionContext } from '../../../proxy/lanes/connection-context.js';
import type { MessageServer } from '../../../proxy/lanes/message-server.js';
import { shareBlock } from '../../../proxy/lanes/shared-block-socket.js';
import { systemClock } from '../../../src/core/clock.js';
import { connectionContext } from '../../support/connection-context.js';
import { ProxyRig } from '../../support/proxy-rig.js';

/** More than the sockets between hold, so that the upstream's slowness reaches the client. */
const BYTES = 8 * 1024 * 1024;

/** Octets that tell whose they are, and where they belong. */
function bodyOf(name: string, bytes = BYTES): Buffer {
  const marks = Array.from({ length: bytes / 16 }, (_, index) => `${name}${index}`.padEnd(16, '.'));
  return Buffer.from(marks.join(''), 'latin1');
}

function headOf(name: string, bytes = BYTES): string {
  return `POST /${name} HTTP/1.1\r\nHost: a\r\nContent-Length: ${bytes}\r\n\r\n`;
}

describe.each(['auto', 'full'] as const)('with lane %s', (lane) => {
  let rig: ProxyRig;

  beforeEach(async () => {
    rig = await ProxyRig.start({ lane, deadlines: { ...defaultProxyOptions.deadlines, bodyIdleMs: 60_000 } });
  });

  afterEach(() => rig.close());

  test('large uploads reach a slow upstream as they were, one among the other', async () => {
    const names = ['first', 'other'];
    const bodies = new Map(names.map((name) => [name, bodyOf(name)]));
    const equal = new Map<string, boolean>();
    rig.route(
      await rig.httpBackend((request, response) => {
        const pieces: Buffer[] = [];
        request.on('data', (piece: Buffer) => {
          pieces.push(piece);
          // Slower than the client: one piece each turn of the loop.
          request.pause();
          setImmediate(() => request.resume());
        });
        request.on('end', () => {
          const name = request.url!.slice(1);
          equal.set(name, Buffer.concat(pieces).equals(bodies.get(name)!));
          response.end('taken');
        });
      }),
    );
    const clients = await Promise.all(names.map(() => rig.connect()));
    for (const [index, name] of names.entries()) clients[index]!.write(headOf(name)).socket.write(bodies.get(name)!);
    await Promise.all(clients.map((client) => client.waitFor(/taken/)));
    expect(equal).toEqual(new Map(names.map((name) => [name, true])));
  });
});

test.each(['auto', 'full'] as const)('lane %s hears an upstream that refuses an upload and closes', async (lane) => {
  const rig = await ProxyRig.start({ lane });
  const body = bodyOf('refused');
  const refusal = 'HTTP/1.1 413 Content Too Large\r\nContent-Length: 9\r\nConnection: close\r\n\r\ntoo large';
  rig.route(
    await rig.rawBackend((socket) => {
      socket.once('data', () => {
        socket.write(refusal);
        socket.resetAndDestroy();
      });
    }),
  );
  for (let round = 0; round < 20; round += 1) {
    const client = await rig.connect();
    client.write(headOf('refused')).socket.write(body);
    expect(await client.waitFor(/^HTTP\/1\.1 (?!413)|too large$/)).toMatch(/^HTTP\/1\.1 413 /);
    client.close();
  }
  await rig.close();
});

describe('a client connection', () => {
  /** Takes blocks and, as the kernel may, reads them late. */
  class LateReader implements MessageServer {
    readonly kept: Buffer[] = [];
    blocks = 0;

    start(): void {}

    takesBlock(lasting: boolean): boolean {
      return lasting;
    }

    onBody(bytes: Buffer, inBlock: boolean): void {
      this.kept.push(bytes);
      if (inBlock) this.blocks += 1;
    }

    onBodyEnd(): void {}

    onBodyBroken(): boolean {
      return false;
    }

    onHalfClosed(): void {}
    onClientGone(): void {}
    onClientDrained(): void {}
  }

  let server: Server;
  let client: Socket;
  let readers: LateReader[];
  let wheel: DeadlineWheel;

  beforeEach(async () => {
    readers = [];
    wheel = new DeadlineWheel(systemClock);
    server = createServer({ pauseOnConnect: true });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const accepted = once(server, 'connection') as Promise<[Socket]>;
    client = connect((server.address() as AddressInfo).port, '127.0.0.1');
    const [socket] = await accepted;
    const shared = shareBlock(socket);
    new ClientConnection(shared.socket, contextOf(), shared.source);
  });

  afterEach(() => {
    client.destroy();
    server.close();
    wheel.stop();
  });

  function contextOf(): ConnectionContext {
    return connectionContext({
      wheel,
      serve: (connection) => {
        const reader = new LateReader();
        reader.onBodyEnd = () => server.emit('whole', connection);
        readers.push(reader);
        return reader;
      },
      serveAgain: () => readers.at(-1)!,
    });
  }

  test('leaves what is still on its way as it is when the next message comes', async () => {
    const bytes = 2 * 1024 * 1024;
    let whole = once(server, 'whole') as Promise<[ClientConnection]>;
    client.write(headOf('first', bytes));
    client.write(bodyOf('first', bytes));
    const [connection] = await whole;
    const [first] = readers;
    expect(first!.blocks).toBeGreaterThan(0);
    const last = first!.kept.at(-1)!;
    expect(last.equals(bodyOf('first', bytes).subarray(-last.length))).toBe(true);
    connection.answered(false);
    whole = once(server, 'whole') as Promise<[ClientConnection]>;
    client.write(headOf('second', bytes));
    client.write(bodyOf('second', bytes));
    await whole;
    expect(last.equals(bodyOf('first', bytes).subarray(-last.length))).toBe(true);
  });
});
