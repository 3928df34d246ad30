// Client connections that speak HTTP/2 (RFC 9113), by Node's own implementation. Each of their requests comes out as a stream of
// HTTP/1.1, so that gate, lanes and policies are the same for all. Over TLS alone: nobody offers it without.

import { constants, performServerHandshake, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import type { DeadlineHolder, DeadlineWheel } from '../deadline-wheel.js';
import type { ProloguePolicies } from '../prologues.js';
import type { HeadFault } from '../http1/request-head.js';
import { ResponseHeadParser } from '../http1/response-head.js';
import { isReset } from '../reset-socket.js';
import { requestTextOf } from './request-text.js';
import { RECEIVED_VERSION, StreamConnection } from './stream-connection.js';

/** At a time on one connection; what browsers and nginx are used to. */
const MAX_STREAMS = 128;
/** How much of a body may be on its way to us: the 64 KiB that the protocol begins with make far clients slow. */
const STREAM_WINDOW = 256 * 1024;
const SESSION_WINDOW = 1024 * 1024;
/** In MiB, as Node counts: above all windows together, or it would refuse streams that it has let begin. */
const SESSION_MEMORY = 64;
/** What we add to an answer's head ourselves. */
const OWN_BYTES = 4 * 1024;
const OWN_FIELDS = 8;
/** `:method` and the like. */
const PSEUDO_FIELDS = 4;
/** Section 8.2.3: cookies may come one by one. They are one field, and judged as such, once they are put together. */
const COOKIE_CRUMBS = 1024;
/** Section 6.5.2: what each field counts beside its octets. */
const FIELD_BYTES = 32;
/** Section 6.8: requests that are on their way when we announce the end have so long to arrive. */
const LAST_REQUESTS_MS = 1_000;
/** How long a client that has been told everything may take to close; Node's session would wait for ever. */
const LINGER_MS = 2_000;
/** How often a session that has requests is looked at. */
const LOOK_MS = 1_000;
/** No request is refused by it. */
const ANY_STREAM = 2 ** 31 - 1;

export interface SessionsDependencies {
  readonly wheel: DeadlineWheel;
  readonly onRequest: (stream: Duplex, clientAddress: string) => void;
  readonly onRefused: (
    fault: HeadFault,
    client: { readonly clientAddress: string; readonly receivedVersion: string },
  ) => void;
}

export class Http2Sessions {
  readonly #policies: ProloguePolicies;
  readonly #dependencies: SessionsDependencies;
  readonly #all = new Set<Session>();
  #ended = false;

  constructor(policies: ProloguePolicies, dependencies: SessionsDependencies) {
    this.#policies = policies;
    this.#dependencies = dependencies;
  }

  get count(): number {
    return this.#all.size;
  }

  begin(secured: TLSSocket, address: string): void {
    const { limits } = this.#policies.options;
    // Unlike in HTTP/1.1, a client that has ended its side gets nothing any more.
    secured.allowHalfOpen = false;
    const maxPairs = limits.maxFields + PSEUDO_FIELDS + COOKIE_CRUMBS;
    const session = performServerHandshake(secured, {
      maxSessionMemory: SESSION_MEMORY,
      maxHeaderListPairs: maxPairs,
      settings: {
        maxConcurrentStreams: MAX_STREAMS,
        maxHeaderListSize: limits.maxHeadBytes + maxPairs * FIELD_BYTES,
        initialWindowSize: STREAM_WINDOW,
        enableConnectProtocol: false,
      },
    });
    const own = new Session({ session, secured }, { ...this.#dependencies, policies: this.#policies, address });
    this.#all.add(own);
    session.once('close', () => this.#all.delete(own));
    if (this.#ended) own.end();
  }

  /** Every session is told that it has had its last request, also whoever has just come in. */
  end(): void {
    this.#ended = true;
    for (const session of [...this.#all]) session.end();
  }

  /** Ends every one of them now. */
  destroy(): void {
    for (const session of [...this.#all]) session.destroy();
  }
}

interface Connection {
  readonly session: ServerHttp2Session;
  readonly secured: TLSSocket;
}

interface Surroundings extends SessionsDependencies {
  readonly policies: ProloguePolicies;
  readonly address: string;
}

type Limits = ProloguePolicies['options']['limits'];

class Session implements DeadlineHolder {
  deadlineAt = Infinity;
  deadlineTick = -1;
  deadlinePlace = 0;
  readonly #session: ServerHttp2Session;
  readonly #secured: TLSSocket;
  readonly #surroundings: Surroundings;
  readonly #streams = new Set<ServerHttp2Stream>();
  #ending = false;
  /** Those that the parser is for. */
  #limits: Limits | undefined;
  #parser!: ResponseHeadParser;

  constructor({ session, secured }: Connection, surroundings: Surroundings) {
    this.#session = session;
    this.#secured = secured;
    this.#surroundings = surroundings;
    session.on('error', () => undefined);
    session.on('stream', (stream: ServerHttp2Stream, _headers: unknown, flags: number, raw: string[]) =>
      this.#serve(stream, flags, raw),
    );
    session.once('close', () => surroundings.wheel.release(this));
    session.setLocalWindowSize(SESSION_WINDOW);
    this.#armIdle();
  }

  /** A busy session is only looked at. One that ends, or was idle for too long, is closed; and destroyed when that takes too long. */
  onDeadline(): void {
    this.#dropGone();
    const busy = this.#streams.size > 0;
    const ends = this.#ending || this.#session.closed || !busy;
    if (ends && !this.#session.closed) this.#session.close();
    else if (ends && !busy) this.#secured.destroy();
    if (!this.#secured.destroyed) this.#surroundings.wheel.arm(this, ends ? LINGER_MS : LOOK_MS);
  }

  end(): void {
    if (this.#ending || this.#session.destroyed) return;
    this.#ending = true;
    this.#session.goaway(constants.NGHTTP2_NO_ERROR, ANY_STREAM);
    this.#surroundings.wheel.arm(this, LAST_REQUESTS_MS);
  }

  destroy(): void {
    this.#session.destroy();
    this.#secured.destroy();
  }

  #serve(stream: ServerHttp2Stream, flags: number, raw: readonly string[]): void {
    const { wheel, onRequest, address } = this.#surroundings;
    if (this.#streams.size === 0 && !this.#ending && !this.#session.closed) wheel.arm(this, LOOK_MS);
    this.#streams.add(stream);
    stream.once('close', () => this.#onServed(stream));
    // Not within the call that tells it: nghttp2 is at the stream then, and would write without end.
    stream.once('aborted', () => setImmediate(() => stream.destroy()));
    stream.on('error', () => undefined);
    const request = requestTextOf(raw, (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0);
    if (request === undefined) return this.#refuse(stream);
    onRequest(new StreamConnection(stream, request, this.#currentParser()), address);
  }

  /** Section 8.1.1: it is malformed, which is told by the stream's end alone. */
  #refuse(stream: ServerHttp2Stream): void {
    const client = { clientAddress: this.#surroundings.address, receivedVersion: RECEIVED_VERSION };
    this.#surroundings.onRefused({ code: 'bad-request', detail: 'no request in the words of HTTP/1.1' }, client);
    stream.close(constants.NGHTTP2_PROTOCOL_ERROR);
  }

  /** Of answers' heads, as far as the limits of now allow. */
  #currentParser(): ResponseHeadParser {
    const { limits } = this.#surroundings.policies.options;
    if (limits === this.#limits) return this.#parser;
    const { maxHeadBytes, maxFields } = limits;
    this.#limits = limits;
    this.#parser = new ResponseHeadParser({
      maxHeadBytes: maxHeadBytes + OWN_BYTES,
      maxFields: maxFields + OWN_FIELDS,
    });
    return this.#parser;
  }

  /**
   * A stream that the client has reset without an error waits for ever for what it has not taken (Node counts on the client
   * to take it), and its session with it; a session reads nothing while it writes, and so misses that its client has gone.
   */
  #dropGone(): void {
    if (isReset(this.#secured)) return this.destroy();
    for (const stream of this.#streams) if (stream.closed) stream.destroy();
  }

  #onServed(stream: ServerHttp2Stream): void {
    this.#streams.delete(stream);
    if (this.#streams.size === 0 && !this.#ending && !this.#session.closed) this.#armIdle();
  }

  #armIdle(): void {
    this.#surroundings.wheel.arm(this, this.#surroundings.policies.options.deadlines.clientIdleMs);
  }
}
