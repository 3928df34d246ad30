// A real proxy on a free port before scripted backends, for wire tests. Everything it opened is closed by `close()`.

import { createServer, type RequestListener, type Server as HttpServer } from 'node:http';
import { createServer as createNetServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { once } from 'node:events';
import { promisify } from 'node:util';
import { systemClock } from '../../src/core/clock.js';
import { silentLog } from '../../src/core/log.js';
import type { UpstreamIncident, UpstreamTarget } from '../../src/core/traffic-port.js';
import {
  createProxy,
  defaultProxyOptions,
  type Proxy,
  type ProxyOptions,
  type RequestRecord,
} from '../../proxy/index.js';
import { RawConnection, type ConnectionChoices } from './raw-connection.js';

interface ListeningHandle {
  onconnection: (...accepted: unknown[]) => void;
}

export class ProxyRig {
  readonly proxy: Proxy;
  readonly records: RequestRecord[] = [];
  readonly repeats: string[] = [];
  readonly refusedRepeats: string[] = [];
  readonly incidents: UpstreamIncident[] = [];
  readonly refusedConnections: string[] = [];
  port = 0;
  readonly #closers: (() => void)[] = [];
  /** What the front says it is; nothing without TLS. */
  readonly #certificate: string | undefined;
  /** Of each place in the route: another port there is another process. */
  readonly #processes: { port: number; generation: number }[] = [];
  #onRecord: () => void = () => undefined;

  private constructor(options: Partial<ProxyOptions>) {
    this.#certificate = options.front?.tls?.cert;
    this.proxy = createProxy(
      { ...defaultProxyOptions, ...options, front: { ...options.front, host: '127.0.0.1', port: 0 } },
      {
        clock: systemClock,
        random: () => 0.5,
        log: silentLog,
        observer: {
          wantsClient: true,
          onRequest: (record) => {
            this.records.push(copyOf(record));
            this.#onRecord();
          },
          onRepeat: (cause) => void this.repeats.push(cause),
          onRepeatRefused: (reason) => void this.refusedRepeats.push(reason),
          onConnectionRefused: (reason) => void this.refusedConnections.push(reason),
        },
        onIncident: (incident) => void this.incidents.push(incident),
      },
    );
  }

  static async start(options: Partial<ProxyOptions> = {}): Promise<ProxyRig> {
    const rig = new ProxyRig(options);
    rig.port = (await rig.proxy.listen()).port;
    await rig.proxy.listenUnix();
    return rig;
  }

  /** An HTTP backend; returns its port. */
  async httpBackend(listener: RequestListener): Promise<number> {
    return this.#listen(createServer(listener));
  }

  /** A backend that speaks bytes: called for each connection. */
  async rawBackend(onConnection: (socket: Socket) => void): Promise<number> {
    return this.#listen(
      createNetServer((socket) => {
        socket.on('error', () => undefined);
        onConnection(socket);
      }),
    );
  }

  /** Makes these ports the upstreams, named a/1, b/1, ...; another port is another process. */
  route(...ports: readonly number[]): void {
    this.proxy.applyTargets(
      ports.map((port, index) => ({ ...targetFor(port, index), generation: this.#generationOf(port, index) })),
    );
  }

  /** Called in the turn in which the front has accepted a connection. It tells by its handle alone. */
  onAccept(callback: () => void): void {
    const { _handle: handle } = this.proxy.frontServer as unknown as { _handle: ListeningHandle };
    const accept = handle.onconnection;
    handle.onconnection = function (...accepted) {
      accept.apply(this, accepted);
      callback();
    };
  }

  /** Over TLS where the front has it. */
  async connect(choices: ConnectionChoices = {}): Promise<RawConnection> {
    const trust = this.#certificate;
    const connection = await RawConnection.open(this.port, trust === undefined ? choices : { trust, ...choices });
    this.#closers.push(() => connection.close());
    return connection;
  }

  /** Writes bytes on a connection of their own, with the last request asking for close; everything that came back. */
  async exchange(bytes: string): Promise<string> {
    const connection = await this.connect();
    const received = await connection.write(bytes).waitForEnd();
    // The other side has ended; ours would stay open, half-closed.
    connection.close();
    return received;
  }

  /** Resolves once `count` requests have been recorded. */
  async waitForRecords(count: number): Promise<readonly RequestRecord[]> {
    while (this.records.length < count) await new Promise<void>((resolve) => (this.#onRecord = resolve));
    return this.records;
  }

  /** Of clients, whatever they are at. */
  openConnections(): Promise<number> {
    const { frontServer } = this.proxy;
    return promisify(frontServer.getConnections.bind(frontServer))();
  }

  async close(): Promise<void> {
    await this.proxy.close({ graceMs: 0 });
    for (const close of this.#closers) close();
  }

  #generationOf(port: number, index: number): number {
    const known = this.#processes[index];
    if (known?.port === port) return known.generation;
    const generation = (known?.generation ?? 0) + 1;
    this.#processes[index] = { port, generation };
    return generation;
  }

  async #listen(server: Server | HttpServer): Promise<number> {
    const sockets = new Set<Socket>();
    server.on('connection', (socket: Socket) => sockets.add(socket));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    this.#closers.push(() => {
      server.close();
      for (const socket of sockets) socket.destroy();
    });
    return (server.address() as AddressInfo).port;
  }
}

/** A record is valid only within the call that tells it. */
function copyOf(record: RequestRecord): RequestRecord {
  const { id, method, path, client, upstream, attempts, status, code, endedBy, phase } = record;
  const { durationMs, queuedMs, firstByteMs, bytesIn, bytesOut } = record;
  const asked = { id, method, path, client, bytesIn };
  const served = { upstream, attempts, durationMs, queuedMs, firstByteMs };
  return { ...asked, ...served, status, code, bytesOut, endedBy, phase };
}

export function targetFor(port: number, index = 0): UpstreamTarget {
  const backend = String.fromCharCode('a'.charCodeAt(0) + index);
  return {
    id: `${backend}/1`,
    generation: 1,
    backend,
    worker: 1,
    address: { kind: 'tcp', host: '127.0.0.1', port },
    weight: 1,
    warm: true,
  };
}

/** The status code of the first answer in the bytes. */
export function statusOf(received: string): number {
  return Number(/^HTTP\/1\.1 (\d{3})/.exec(received)?.[1]);
}
