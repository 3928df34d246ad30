// The account of one request at a time, whichever lane serves it: how far it has come, how often it was tried, whether it
// may be tried again. When it is over it is told once, as the record of itself: an object for that alone would be a third
// of what a small request leaves to be collected.

import type { Clock } from '../src/core/clock.js';
import { RequestId, type RequestIds } from './headers/request-id.js';
import type { Ledger } from './ledger.js';
import type { ClientFacts, EndedBy, Phase, ProxyObserver, RequestRecord } from './request-record.js';
import type { RetryBudget } from './retry-budget.js';
import { HANG_MS, judgeRepeat, type RequestFacts } from './retry-policy.js';
import type { Upstream } from './upstream.js';

export interface AccountContext {
  readonly clock: Clock;
  readonly observer: ProxyObserver;
  readonly retryBudget: RetryBudget;
  readonly safeRoutes: readonly string[];
  readonly requestIds: RequestIds;
}

/** What was asked for, and by whom; alike for all requests with the same head. */
export interface RequestSubject {
  readonly method: string;
  /** The raw target. */
  readonly path: string;
  readonly client?: ClientFacts | undefined;
}

export interface Ending {
  readonly endedBy: EndedBy;
  readonly status: number;
  readonly code?: string | undefined;
}

const NONE: readonly Upstream[] = [];
/** Of a head that can't be read. */
const UNKNOWN: RequestSubject = { method: '-', path: '-' };

/** The same, from a client whose address is known all the same. */
export function unreadableFrom(address: string, httpVersion = '1.1'): RequestSubject {
  return { ...UNKNOWN, client: { address, httpVersion, referer: undefined, userAgent: undefined } };
}

export class RequestAccount implements RequestRecord {
  readonly #context: AccountContext;
  readonly requestId: RequestId;
  #subject = UNKNOWN;
  #startedAt = 0;
  phase: Phase = 'head';
  bytesIn = 0;
  bytesOut = 0;
  #tried = NONE;
  #upstream: Upstream | undefined;
  #attempts = 0;
  #hangs = 0;
  #admittedAt = -1;
  #firstByteAt = -1;
  #endedAt = 0;
  endedBy: EndedBy = 'served';
  status = 0;
  code: string | undefined;
  #over = true;

  constructor(context: AccountContext) {
    this.#context = context;
    this.requestId = new RequestId(context.requestIds);
  }

  /** For a request that has just come; the one before is over. `givenId`: the client's own, where it goes on as it is. */
  begin(givenId: string | undefined, subject = UNKNOWN): void {
    this.requestId.begin(givenId);
    this.#subject = subject;
    this.#startedAt = this.#context.clock.now();
    this.phase = 'head';
    this.bytesIn = 0;
    this.bytesOut = 0;
    this.#tried = NONE;
    this.#upstream = undefined;
    this.#attempts = 0;
    this.#hangs = 0;
    this.#admittedAt = -1;
    this.#firstByteAt = -1;
    this.#over = false;
    this.#context.retryBudget.earn();
  }

  get id(): string {
    return this.requestId.text;
  }

  /** By the proxy's clock. */
  get startedAt(): number {
    return this.#startedAt;
  }

  get method(): string {
    return this.#subject.method;
  }

  get path(): string {
    return this.#subject.path;
  }

  get client(): ClientFacts | undefined {
    return this.#subject.client;
  }

  get upstream(): string | undefined {
    return this.#upstream?.id;
  }

  get durationMs(): number {
    return this.#endedAt - this.#startedAt;
  }

  get queuedMs(): number {
    return (this.#admittedAt < 0 ? this.#endedAt : this.#admittedAt) - this.#startedAt;
  }

  get firstByteMs(): number | undefined {
    return this.#firstByteAt < 0 ? undefined : this.#firstByteAt - this.#startedAt;
  }

  get over(): boolean {
    return this.#over;
  }

  get attempts(): number {
    return this.#attempts;
  }

  /** Upstreams that failed it already. */
  get tried(): readonly Upstream[] {
    return this.#tried;
  }

  noteAdmitted(upstream: Upstream, now: number): void {
    this.#upstream = upstream;
    this.#admittedAt = now;
    this.#attempts += 1;
    this.phase = 'connect';
  }

  noteFirstByte(now = this.#context.clock.now()): void {
    this.phase = 'answer';
    if (this.#firstByteAt < 0) this.#firstByteAt = now;
  }

  /** True when the request may be made again; it is on its way to be then. `cause`: what failed. */
  tryRepeat(cause: string, facts: RequestFacts, ledger: Ledger): boolean {
    const { clock, observer, retryBudget, safeRoutes } = this.#context;
    // Time that it was given while its upstream was drained tells nothing against it.
    if (cause !== 'upstream-drained' && clock.now() - this.#admittedAt >= HANG_MS) this.#hangs += 1;
    const context = {
      attempts: this.#attempts,
      hangs: this.#hangs,
      safeRoutes,
      trySpend: () => retryBudget.trySpend(),
    };
    const verdict = judgeRepeat(facts, ledger, context);
    if (!verdict.repeat) {
      observer.onRepeatRefused(verdict.reason);
      return false;
    }
    observer.onRepeat(cause);
    if (this.#upstream !== undefined) this.#tried = [...this.#tried, this.#upstream];
    return true;
  }

  /** Once, by whoever ends it first. */
  record({ endedBy, status, code }: Ending): void {
    if (this.#over) return;
    this.endedBy = endedBy;
    this.code = code;
    this.#tell(status, this.#context.clock.now());
  }

  /** The same for one that is served to its end, as most are: an object that says so would be a third of what it leaves. */
  recordServed(status: number, now: number): void {
    if (this.#over) return;
    this.endedBy = 'served';
    this.code = undefined;
    this.#tell(status, now);
  }

  #tell(status: number, now: number): void {
    this.#over = true;
    this.#endedAt = now;
    this.status = status;
    this.#context.observer.onRequest(this);
  }
}
