// Clients that leave in every way but a good one: within a handshake, a request, an answer that they have not read, with an
// end, a reset, garbage under TLS, or a stream of HTTP/2 that they take nothing of.

import { once } from 'node:events';
import { connect as connectSession, constants, type ClientHttp2Stream } from 'node:http2';
import { connect, type Socket } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { connect as connectSecurely } from 'node:tls';
import fc from 'fast-check';

export interface RudeVisit {
  readonly http2: boolean;
  readonly path: string;
  /** Of the request's body; what is announced, and the share of it that is sent. */
  readonly length: number;
  readonly share: number;
  /** Whether it reads anything. */
  readonly reads: boolean;
  /** Of HTTP/2. */
  readonly window: number;
  /** Turns of the event loop that it stays after it has asked, and after it has left in its way. */
  readonly turns: number;
  readonly leaves: 'destroy' | 'reset' | 'end' | 'garbage';
}

/** Of a backend that answers each in a way of its own. */
const PATHS = ['/small', '/large', '/events', '/echo', '/early'] as const;

const STREAMS = 3;

export const rudeVisits: fc.Arbitrary<RudeVisit[]> = fc.array(
  fc.record({
    http2: fc.boolean(),
    path: fc.constantFrom(...PATHS),
    length: fc.nat(60_000),
    share: fc.constantFrom(0, 0.5, 1),
    reads: fc.boolean(),
    window: fc.constantFrom(0, 1_000, 65_535),
    turns: fc.nat(20),
    leaves: fc.constantFrom('destroy', 'reset', 'end', 'garbage'),
  }),
  { minLength: 40, maxLength: 40 },
);

/** @param trust the front's certificate, where it has one; HTTP/2 is only spoken then. */
export function pay(visit: RudeVisit, port: number, trust: string | undefined): Promise<void> {
  return trust !== undefined && visit.http2 ? payOverHttp2(visit, port, trust) : payOverHttp1(visit, port, trust);
}

async function payOverHttp1(visit: RudeVisit, port: number, trust: string | undefined): Promise<void> {
  const raw = connect(port, '127.0.0.1');
  const closed = new Promise((resolve) => raw.once('close', resolve));
  const socket = trust === undefined ? raw : connectSecurely({ socket: raw, ca: trust, servername: 'localhost' });
  for (const each of [raw, socket]) each.on('error', ignore);
  await Promise.race([
    closed,
    new Promise((resolve) => socket.once(trust === undefined ? 'connect' : 'secureConnect', resolve)),
  ]);
  if (visit.reads) socket.resume();
  else socket.pause();
  socket.write(`POST ${visit.path} HTTP/1.1\r\nHost: a\r\nContent-Length: ${visit.length}\r\n\r\n${bodyOf(visit)}`);
  await stay(visit.turns);
  leave(visit, raw, socket);
  await stay(visit.turns);
  raw.destroy();
  await closed;
}

function leave({ leaves }: RudeVisit, raw: Socket, socket: Socket): void {
  if (leaves === 'destroy') socket.destroy();
  else if (leaves === 'reset') raw.resetAndDestroy();
  else if (leaves === 'end') socket.end();
  else raw.write('\x17\x03\x03\x00\x05 garbage, whatever comes before it\r\n\r\n', 'latin1');
}

async function payOverHttp2(visit: RudeVisit, port: number, trust: string): Promise<void> {
  const settings = { initialWindowSize: visit.window };
  const session = connectSession(`https://127.0.0.1:${port}`, { ca: trust, servername: 'localhost', settings });
  session.on('error', ignore);
  const closed = new Promise((resolve) => session.once('close', resolve));
  const streams: ClientHttp2Stream[] = [];
  for (let count = 0; count < STREAMS; count += 1) {
    const stream = session.request({ ':method': 'POST', ':path': visit.path });
    streams.push(stream);
    stream.on('error', ignore);
    if (visit.reads) stream.resume();
    stream.write(bodyOf(visit));
    if (visit.share === 1) stream.end();
  }
  await Promise.race([closed, once(session, 'connect')]);
  await stay(visit.turns);
  // The last one is left to the session's own end.
  for (const stream of streams.slice(1)) {
    if (visit.leaves === 'destroy') stream.destroy();
    else if (visit.leaves !== 'end') stream.close(constants.NGHTTP2_CANCEL);
  }
  await stay(visit.turns);
  if (visit.leaves === 'end') session.close();
  await stay(visit.turns);
  session.destroy();
  await closed;
}

function bodyOf({ length, share }: RudeVisit): string {
  return 'x'.repeat(Math.floor(length * share));
}

async function stay(turns: number): Promise<void> {
  for (let count = 0; count < turns; count += 1) await setImmediate();
}

function ignore(): void {}
