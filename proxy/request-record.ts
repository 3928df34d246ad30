// What is told of a request when it is over: once, whoever ended it. Access log and metrics are made from it, at once: it
// is valid within the call that tells it, since the next request of the connection is told by the same object.

/** Who ended it: served to its end, or broken off by one side. */
export type EndedBy = 'served' | 'client' | 'upstream' | 'proxy';

/** How far it had come. */
export type Phase = 'head' | 'queue' | 'connect' | 'wait' | 'answer' | 'tunnel' | 'done';

/** Who asked, for the access log. */
export interface ClientFacts {
  readonly address: string | undefined;
  readonly httpVersion: string;
  readonly referer: string | undefined;
  readonly userAgent: string | undefined;
}

export interface RequestRecord {
  readonly id: string;
  readonly method: string;
  readonly path: string;
  /** 499 when the client left before an answer (never sent, only told). */
  readonly status: number;
  /** The upstream of the last attempt. */
  readonly upstream: string | undefined;
  readonly attempts: number;
  readonly durationMs: number;
  /** Time in the waiting room and until the last ticket. */
  readonly queuedMs: number;
  /** From the beginning, the wait for a ticket included, to the first byte of the answer; undefined without an answer. */
  readonly firstByteMs: number | undefined;
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly endedBy: EndedBy;
  readonly phase: Phase;
  /** Only for an observer that asks for it. */
  readonly client: ClientFacts | undefined;
  /** Our error code, when it was we who answered or broke off. */
  readonly code: string | undefined;
}

/** Why a connection was closed before a request could be read. */
export type ConnectionRefusal =
  'untrusted-peer' | 'bad-proxy-header' | 'proxy-header-timeout' | 'bad-handshake' | 'handshake-timeout';

export interface ProxyObserver {
  /** Who asked is read off the head for it, which costs a look at every field. */
  readonly wantsClient?: boolean;
  onRequest(record: RequestRecord): void;
  onRepeat(reason: string): void;
  onRepeatRefused(reason: string): void;
  onConnectionRefused?(reason: ConnectionRefusal): void;
}

const nothing = () => undefined;

export const blindObserver: ProxyObserver = { onRequest: nothing, onRepeat: nothing, onRepeatRefused: nothing };
