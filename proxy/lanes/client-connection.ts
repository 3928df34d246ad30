// One client connection: reads it message by message through the gate, hands each to a lane, and decides what becomes of
// the connection after the answer. It keeps pipelined requests in order by reading the next head only when the answer
// before it is whole (RFC 9112 section 9.3.2). Long, because every event means something else in each of its states.

import type { Duplex } from 'node:stream';
import type { Socket } from 'node:net';
import type { DeadlineHolder } from '../deadline-wheel.js';
import type { JudgedRequest } from '../gate.js';
import { ForwardingLines } from '../headers/forwarding-lines.js';
import { BodyReader } from '../http1/body-reader.js';
import { LF } from '../http1/octets.js';
import type { HeadFault, RequestHeadParser } from '../http1/request-head.js';
import { problemText } from '../problem-text.js';
import { isEndOfReset, resetSocket } from '../reset-socket.js';
import type { ConnectionContext } from './connection-context.js';
import type { FastExchange } from './fast/fast-exchange.js';
import type { FastPlan } from './fast/fast-plan.js';
import { KnownHead } from './known-head.js';
import type { MessageServer } from './message-server.js';
import type { ReadBlock } from './read-block.js';
import type { BlockReader, BlockSource } from './shared-block-socket.js';
import { SocketWriter } from './socket-writer.js';

type State =
  /** Between messages, or in the middle of a head. */
  | 'head'
  /** A message is being served. */
  | 'message'
  /** Octets are no longer ours to judge. */
  | 'tunnel'
  /** Our last octet is sent; what still comes is dropped (RFC 9112 section 9.6). */
  | 'lingering'
  | 'closed';

/** More than this of what comes too early is left in the kernel. */
const MAX_EARLY_BYTES = 64 * 1024;
/** How long a client may take to close once it has our last answer. */
const LINGER_MS = 2_000;

/** How long a tunnel is silent before its client is asked for a sign of life (TCP keep-alive). */
const KEEP_ALIVE_MS = 60_000;

const NOTHING: Buffer = Buffer.alloc(0);

export class ClientConnection implements DeadlineHolder, BlockReader {
  readonly #context: ConnectionContext;
  readonly #socket: Duplex;
  /**
   * To the client: whoever serves a message writes its answer here, and hears of its 'drain' as `onClientDrained`. To end it is
   * for the connection alone.
   */
  readonly output: SocketWriter;
  deadlineAt = Infinity;
  deadlineTick = -1;
  deadlinePlace = 0;
  /** Among all connections. Owned by whoever has them all. */
  place = 0;
  readonly clientAddress: string;
  /** For all its requests in the fast lane, one after the other. Owned by that lane. */
  exchange: FastExchange | undefined;
  #state: State = 'head';
  /** Octets that came and were not yet judged. */
  #early = NOTHING;
  readonly #body = new BodyReader();
  #server: MessageServer | undefined;
  #forwarding: ForwardingLines | undefined;
  /** Shared with the client's other connections until another head comes. */
  #known: KnownHead | undefined;
  #ownsKnown = false;
  #paused = false;
  #reading = false;
  #halfClosed = false;
  #headBegun = false;
  /**
   * The client has sent `Connection: close` with a request that has no body: nothing more will come. (Behind a body some clients
   * send an empty line by mistake.)
   */
  #saidLast = false;
  readonly #block: ReadBlock | undefined;
  /** What is being read lies in the block. */
  #borrowed = false;

  /** @param clientAddress where it is another one than the socket's. */
  constructor(
    socket: Duplex,
    context: ConnectionContext,
    source?: BlockSource,
    clientAddress = (socket as Partial<Socket>).remoteAddress ?? '',
  ) {
    this.#context = context;
    this.#socket = socket;
    this.output = new SocketWriter(socket);
    this.#block = source?.block;
    this.clientAddress = clientAddress;
    if (!this.encrypted) this.#known = context.knownHeads.of(this.clientAddress);
    if (source === undefined) socket.on('data', (bytes: Buffer) => this.#onData(bytes));
    else source.reader = this;
    socket.on('end', () => this.#onEnd());
    socket.on('drain', () => this.#server?.onClientDrained());
    socket.on('error', () => undefined);
    socket.once('close', () => this.#onClose());
    context.wheel.arm(this, context.idleMs);
  }

  /** The whole request body has come. */
  get bodyDone(): boolean {
    return this.#body.done;
  }

  get forwarding(): ForwardingLines {
    this.#forwarding ??= this.#createForwarding();
    return this.#forwarding;
  }

  /** The body comes faster than it can be passed on. */
  pauseBody(): void {
    this.#pause();
  }

  resumeBody(): void {
    this.#resume();
  }

  /** The answer is whole. `close`: it was said to be the last one. `now`: for who has just read the clock. */
  answered(close: boolean, now?: number): void {
    if (!this.#isServing) return;
    this.#server = undefined;
    this.#context.noteAnswered();
    // RFC 9112 section 9.3: with the request unread the connection can't be used again.
    if (close || !this.#body.done || this.#context.draining) return this.#linger();
    this.#state = 'head';
    this.#context.wheel.arm(this, this.#context.idleMs, now);
    this.#resume();
    this.#readEarly();
  }

  /**
   * Ends it without pretending that the answer was whole. `reset`: where a clean close would look like its end. Otherwise what
   * was written leaves first, unless the client has stopped taking.
   */
  cut({ reset }: { readonly reset: boolean }): void {
    if (!reset && this.#isServing && !this.output.done && !this.output.full) return this.#cutOnceFlushed();
    // A shutdown that is just under way can't be taken back; the client has been sent everything then.
    if (reset && !this.output.ending) resetSocket(this.#socket);
    else this.#socket.destroy();
  }

  /**
   * Some of what was written may still be with us: TLS hands the kernel one write after the other, and tells of each only in a
   * later turn.
   */
  #cutOnceFlushed(): void {
    this.#state = 'lingering';
    this.#server = undefined;
    this.#context.noteAnswered();
    this.#context.wheel.arm(this, this.#context.deadlines.bodyIdleMs);
    this.output.end(() => void this.#socket.destroy());
  }

  /** From here on octets pass both ways unread; those held back so far come first. */
  becomeTunnel(tunnel: MessageServer): void {
    this.#state = 'tunnel';
    this.#server = tunnel;
    // It may be silent for ever, and then nothing else tells that the client is gone.
    (this.#socket as Partial<Socket>).setKeepAlive?.(true, KEEP_ALIVE_MS);
    const held = this.#early;
    this.#early = NOTHING;
    this.#resume();
    if (held.length > 0) tunnel.onBody(held, false);
    if (this.#halfClosed) tunnel.onHalfClosed();
  }

  /** Nothing more comes out of the tunnel; what the client sends still goes in. */
  endSending(): void {
    this.output.end();
  }

  /** No further message: an idle one ends now, a busy one after its answer. */
  drain(): void {
    if (this.#state === 'head') this.#linger();
  }

  /** How long it may be idle is less than before. */
  onIdleShortened(): void {
    if (this.#state === 'head' && !this.#headBegun) this.#context.wheel.arm(this, this.#context.idleMs);
  }

  /** What was made of the head that the parser has just completed; it holds when the next one is the same. */
  remember(plan: FastPlan): void {
    const { parser, knownHeads } = this.#context;
    if (this.#known === undefined || !this.#ownsKnown) {
      this.#known = new KnownHead();
      this.#ownsKnown = true;
      if (!this.encrypted) knownHeads.note(this.clientAddress, this.#known);
    }
    this.#known.keep(parser.bytes, parser.end, plan);
  }

  /** Nothing that was made of an earlier head holds any more. */
  onPoliciesChanged(): void {
    this.#forwarding = undefined;
    this.#known?.forget();
  }

  onDeadline(): void {
    // The client has not taken everything: a clean end would make its answer look whole.
    if (this.#state === 'lingering') return this.cut({ reset: !this.output.done });
    if (this.#state !== 'head') return;
    // RFC 9110 section 15.5.9: a client that sent nothing, or an empty line behind a body, needs no answer.
    if (!this.#headBegun) this.#linger();
    else this.#refuse({ code: 'client-head-timeout', detail: 'the request head did not arrive in time' });
  }

  onBlock(bytes: Buffer): void {
    this.#borrowed = true;
    this.#onData(bytes);
    this.#borrowed = false;
    // The body's last pieces may still be on their way to the upstream out of a block of our own: the next message must not be
    // read into that one.
    if (this.#body.done) this.#block!.leave();
    else this.#block!.noteBulk(bytes.length);
  }

  #onData(bytes: Buffer): void {
    switch (this.#state) {
      case 'head':
        return this.#readHeads(bytes);
      case 'message':
        return this.#onMessageData(bytes);
      case 'tunnel':
        return this.#server?.onBody(this.#own(bytes), false);
      default:
      // RFC 9112 section 9.6: what comes after the last answer is dropped.
    }
  }

  #onMessageData(bytes: Buffer): void {
    const consumed = this.#readBody(bytes, 0);
    if (consumed < bytes.length) this.#keepEarly(bytes.subarray(consumed));
  }

  /** Judges heads for as long as there are whole ones; a loop, since an answer may be whole before `start` returns. */
  #readHeads(bytes: Buffer): void {
    this.#reading = true;
    let left = this.#early.length === 0 ? bytes : Buffer.concat([this.#early, bytes]);
    // A head that came in part is parsed from its beginning again, so that is only tried when a line was completed, or when it
    // is too long.
    const hopeful = !this.#headBegun || bytes.includes(LF) || left.length > this.#context.limits.maxHeadBytes;
    this.#early = NOTHING;
    if (!hopeful) this.#early = left;
    else while (left.length > 0 && this.#state === 'head') left = this.#readMessage(left);
    if (left.length > 0 && this.#state === 'message') this.#keepEarly(left);
    this.#reading = false;
    this.#endIfOver();
  }

  /** Reads one head, and as much of its body as is there. Returns what is left. */
  #readMessage(bytes: Buffer): Buffer {
    const known = this.#known?.planFor(bytes);
    if (known !== undefined) return this.#readAgain(bytes, known);
    const { parser, gate } = this.#context;
    const result = parser.parse(bytes, 0);
    if (result === 'incomplete') return this.#waitForHead(bytes);
    if (result === 'wrong') return this.#refuse(parser.fault!);
    const judged = gate.judge(parser, this.encrypted);
    if ('code' in judged) return this.#refuse(judged, parser);
    const headEnd = parser.end;
    this.#beginMessage(judged);
    const server = this.#context.serve(this, judged);
    return server === undefined ? bytes.subarray(headEnd) : this.#serveMessage(server, bytes, headEnd);
  }

  /** The head before, octet by octet: nothing of it is parsed or judged anew. */
  #readAgain(bytes: Buffer, plan: FastPlan): Buffer {
    const headEnd = this.#known!.length;
    this.#beginMessage(plan.request);
    return this.#serveMessage(this.#context.serveAgain(this, plan), bytes, headEnd);
  }

  #serveMessage(server: MessageServer, bytes: Buffer, headEnd: number): Buffer {
    this.#server = server;
    let consumed = headEnd;
    if (bytes.length > headEnd) consumed = this.#readBody(bytes, headEnd);
    if (this.#state === 'message') server.start();
    // A tunnel may have begun, or the connection ended, within `start`: then nothing here is to be judged again.
    return consumed === bytes.length ? NOTHING : bytes.subarray(consumed);
  }

  #beginMessage(request: JudgedRequest): void {
    this.#state = 'message';
    this.#headBegun = false;
    this.#saidLast = request.close && request.body === 'none';
    this.#context.wheel.disarm(this);
    this.#context.noteMessage();
    const maxBytes = this.#context.limits.maxBodyBytes;
    if (request.body === 'chunked') this.#body.beginChunked({ strip: false, keepTrailers: false, maxBytes });
    else if (request.body === 'length') this.#body.beginLength(request.contentLength);
    else this.#body.beginNone();
  }

  /** Hands the server its part of a block; returns where that part ends. */
  #readBody(bytes: Buffer, start: number): number {
    const body = this.#body;
    if (body.done) return start;
    const stop = body.read(bytes, start, bytes.length);
    if (stop < 0) {
      this.#onBadBody({ code: body.tooLarge ? 'body-too-large' : 'bad-request', detail: body.fault });
      return bytes.length;
    }
    const { pieces, pieceCount } = body;
    for (let index = 0; index < pieceCount; index += 2)
      this.#passBody(bytes.subarray(pieces[index], pieces[index + 1]));
    if (body.done && body.tail !== '') this.#server?.onBody(Buffer.from(body.tail, 'latin1'), false);
    if (body.done) this.#server?.onBodyEnd();
    return stop;
  }

  #passBody(piece: Buffer): void {
    const server = this.#server!;
    const inBlock = this.#borrowed && server.takesBlock(this.#block!.lasting);
    server.onBody(inBlock ? piece : this.#own(piece), inBlock);
  }

  /** Nothing more of it may reach the upstream, and nothing behind it can be told apart any more. */
  #onBadBody(fault: HeadFault): void {
    const server = this.#server;
    this.#server = undefined;
    const begun = server?.onBodyBroken(fault) ?? false;
    this.#context.noteAnswered();
    if (!begun) return this.#sendRefusal(fault);
    // So that `onClose` does not count it as answered once more.
    this.#state = 'lingering';
    // However the answer is framed, a clean end might look like its own.
    this.cut({ reset: true });
  }

  /** The deadline is for the whole head: octets that trickle in do not move it. */
  #waitForHead(bytes: Buffer): Buffer {
    if (!this.#headBegun && this.#context.parser.begun) {
      this.#context.wheel.arm(this, this.#context.deadlines.clientHeadMs);
      this.#headBegun = true;
    }
    this.#early = this.#own(bytes);
    return NOTHING;
  }

  #keepEarly(bytes: Buffer): void {
    this.#early = this.#early.length === 0 ? this.#own(bytes) : Buffer.concat([this.#early, bytes]);
    if (this.#early.length > MAX_EARLY_BYTES) this.#pause();
  }

  /** For what outlives this call. */
  #own(bytes: Buffer): Buffer {
    return this.#borrowed ? Buffer.from(bytes) : bytes;
  }

  /** What came while the message before was served. Within #readHeads its loop goes on by itself. */
  #readEarly(): void {
    if (this.#reading) return;
    const early = this.#early;
    this.#early = NOTHING;
    if (early.length > 0) this.#readHeads(early);
    else this.#endIfOver();
  }

  /** A client that has ended its side gets its answers, and then nothing more will come. */
  #endIfOver(): void {
    if (!this.#halfClosed) return;
    if (this.#state === 'head') this.#linger();
    else if (this.#state === 'message' && !this.#body.done) this.#endWithinBody();
  }

  /** `head`: where all of it could be read. */
  #refuse(fault: HeadFault, head?: RequestHeadParser): Buffer {
    this.#context.noteRefused(fault, this, head);
    this.#sendRefusal(fault);
    return NOTHING;
  }

  #sendRefusal({ code, detail, ofHead }: HeadFault): void {
    this.output.writeText(problemText(code, { detail, close: true, withBody: ofHead !== true }));
    this.#linger();
  }

  #linger(): void {
    if (this.#state === 'closed') return;
    const begun = this.#state === 'lingering';
    this.#state = 'lingering';
    // Who has sent more may send even more.
    if (this.#early.length > 0) this.#saidLast = false;
    this.#early = NOTHING;
    // RFC 8446 section 6.1: over TLS the end is said, or the answer might have been cut short.
    if (this.#nothingToCome && this.output.done && !this.encrypted) return void this.#socket.destroy();
    if (begun) return;
    const { wheel, deadlines } = this.#context;
    if (this.output.done) this.output.end();
    else this.output.end(() => this.#onFlushed());
    this.#resume();
    wheel.arm(this, this.output.done ? LINGER_MS : deadlines.bodyIdleMs);
  }

  /**
   * The socket may be closed at once. Otherwise octets that come behind its close would make the kernel reset the connection,
   * and the client might lose the answer.
   */
  get #nothingToCome(): boolean {
    return this.#halfClosed || this.#saidLast;
  }

  /** The kernel has all of the last answer. */
  #onFlushed(): void {
    if (this.#state !== 'lingering') return;
    if (this.#nothingToCome) this.#socket.destroy();
    else this.#context.wheel.arm(this, LINGER_MS);
  }

  #onEnd(): void {
    if (this.#isServing && isEndOfReset(this.#socket as Partial<Socket>)) return void this.#socket.destroy();
    this.#halfClosed = true;
    if (this.#state === 'tunnel') return this.#server?.onHalfClosed();
    if (this.#state !== 'message') return this.#linger();
    if (this.#body.done) return this.#server?.onHalfClosed();
    this.#endWithinBody();
  }

  /** RFC 9112 section 8: the request will never be whole. */
  #endWithinBody(): void {
    this.#onBadBody({ code: 'bad-request', detail: 'the connection ended within the request body' });
  }

  #onClose(): void {
    const server = this.#server;
    const wasServing = this.#isServing;
    this.#state = 'closed';
    this.#server = undefined;
    this.#context.wheel.release(this);
    if (wasServing) this.#context.noteAnswered();
    server?.onClientGone();
    this.#context.onClosed(this);
  }

  #pause(): void {
    if (this.#paused) return;
    this.#paused = true;
    this.#socket.pause();
  }

  #resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#socket.resume();
  }

  get #isServing(): boolean {
    return this.#state === 'message' || this.#state === 'tunnel';
  }

  /** Of HTTP, where the client speaks another one than it is read in. */
  get receivedVersion(): string | undefined {
    return (this.#socket as { receivedVersion?: string }).receivedVersion;
  }

  get encrypted(): boolean {
    return (this.#socket as { encrypted?: boolean }).encrypted === true;
  }

  #createForwarding(): ForwardingLines {
    const { clientAddress, receivedVersion } = this;
    const { trustedProxies, pseudonym } = this.#context;
    const proto = this.encrypted ? 'https' : 'http';
    const trusted = trustedProxies.trusts(clientAddress);
    return new ForwardingLines({ clientAddress, proto, trusted, pseudonym, receivedVersion });
  }
}
