// Runs rows of a conformance table through a lane: literal bytes in, the rule's expectation and an invariant out. The
// invariant needs no rule: what reaches the backend parses strictly, it sees no more requests than the client gets
// answers, and after whatever one client sent the next one on the same upstream sockets gets its own answer.

import { expect } from '@jest/globals';
import type { ProxyOptions } from '../../proxy/index.js';
import { ProxyRig } from './proxy-rig.js';
import type { RawConnection } from './raw-connection.js';
import { answerWithTarget, RecordingBackend, type Script } from './recording-backend.js';
import { readResponses, valuesOf, type Reading, type StrictRequest, type StrictResponse } from './strict-http.js';

export const LANES = ['auto', 'full'] as const;
export type LaneChoice = (typeof LANES)[number];

/** One status, or those that are as good. */
export type Expected = number | readonly number[];

export interface Row {
  readonly what: string;
  readonly send: string;
  /** Statuses in turn; a 100, which may always come or not, is left out. */
  readonly answers: readonly Expected[];
  /** What the backend sees, `METHOD target` each; nothing when left out, or by the first status. */
  readonly seen?: readonly string[] | ((status: number) => readonly string[]);
  /** Methods of the requests in `send`, where a HEAD is among them. */
  readonly methods?: readonly string[];
  /** What the backend answers, if not its own account of the request. */
  readonly script?: Script;
  /** The only lane that it is for, where a library of the full lane can't tell. */
  readonly only?: LaneChoice;
  /** What else must hold. */
  readonly also?: (outcome: Outcome) => void;
}

export interface Outcome {
  /** Those to the row's own requests. */
  readonly responses: readonly StrictResponse[];
  readonly requests: readonly StrictRequest[];
  readonly received: string;
}

/** RFC 9110 section 5.6.7. */
const IMF_FIXDATE = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/;

export const FINAL = 'GET /final HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';

export class ConformanceRig {
  readonly proxy: ProxyRig;
  readonly backend: RecordingBackend;

  private constructor(proxy: ProxyRig, backend: RecordingBackend) {
    this.proxy = proxy;
    this.backend = backend;
  }

  static async start(lane: LaneChoice, options: Partial<ProxyOptions> = {}): Promise<ConformanceRig> {
    const backend = await RecordingBackend.start();
    const proxy = await ProxyRig.start({ lane, ...options });
    proxy.route(backend.port);
    return new ConformanceRig(proxy, backend);
  }

  async close(): Promise<void> {
    await this.proxy.close();
    await this.backend.close();
  }

  /** Sends the row's bytes; when the connection survives, a last request must be answered on it as itself. */
  async run(row: Row): Promise<void> {
    const { backend } = this;
    backend.forget();
    backend.script = scriptOf(row);
    const client = await this.proxy.connect();
    client.write(row.send);
    const methods = row.methods ?? [];
    const kept = await waitForAnswers(client, { count: row.answers.length, methods });
    if (kept) await client.write(FINAL).waitForEnd();
    const { messages, rest, fault } = readAnswers(client.received, { methods, ended: true });
    const requests = [...backend.requests];
    expect({ rest, fault }).toEqual({ rest: '', fault: undefined });
    expectStatuses(
      messages.map(({ status }) => status),
      [...row.answers, ...(kept ? [200] : [])],
    );
    // RFC 9110 section 6.6.1: whoever made it, and when we did.
    for (const message of messages.filter(({ status }) => status >= 200))
      expect(valuesOf(message, 'date')).toEqual([expect.stringMatching(IMF_FIXDATE)]);
    if (kept) expect(messages.at(-1)?.body).toBe('GET /final');
    const seen = typeof row.seen === 'function' ? row.seen(messages[0]!.status) : (row.seen ?? []);
    expect(backend.seen).toEqual([...seen, ...(kept ? ['GET /final'] : [])]);
    row.also?.({ responses: messages.slice(0, row.answers.length), requests, received: client.received });
    await this.expectClean(messages.filter(({ status }) => status >= 200).length);
  }

  /** The invariant, after `answered` final answers. */
  async expectClean(answered: number): Promise<void> {
    const { backend } = this;
    expect(backend.faults).toEqual([]);
    expect(backend.requests.length).toBeLessThanOrEqual(answered);
    backend.forget();
    const next = await this.proxy.exchange('GET /next HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    expect(next).toMatch(/^HTTP\/1\.1 200 [^]*\r\n\r\nGET \/next$/);
    expect([backend.seen, backend.faults]).toEqual([['GET /next'], []]);
  }
}

function readAnswers(...parameters: Parameters<typeof readResponses>): Reading<StrictResponse> {
  const { messages, ...rest } = readResponses(...parameters);
  return { messages: messages.filter(({ status }) => status !== 100), ...rest };
}

/** The rows of a table that a lane can be held to. */
export function rowsFor(lane: LaneChoice, rows: readonly Row[]): Row[] {
  return rows.filter(({ only }) => only === undefined || only === lane);
}

/** True when all answers are there and the connection is still open for another request. */
async function waitForAnswers(
  client: RawConnection,
  { count, methods }: { readonly count: number; readonly methods: readonly string[] },
): Promise<boolean> {
  for (;;) {
    const { messages, fault } = readAnswers(client.received, { methods, ended: client.ended });
    const announcesEnd = messages.some(({ fields }) => fields.some(isClose));
    if (fault === undefined && messages.length >= count && !announcesEnd) return !client.ended;
    if (client.ended) return false;
    await client.waitForMore();
  }
}

function isClose([name, value]: readonly [string, string]): boolean {
  return name.toLowerCase() === 'connection' && value.toLowerCase() === 'close';
}

/** The last request of a row is answered in the backend's own way. */
function scriptOf({ script }: Row): Script {
  if (script === undefined) return answerWithTarget;
  return (request, socket) => (request.target === '/final' ? answerWithTarget : script)(request, socket);
}

function expectStatuses(actual: readonly number[], expected: readonly Expected[]): void {
  const fits = actual.length === expected.length && expected.every((one, index) => allows(one, actual[index]!));
  expect(fits ? expected : actual).toEqual(expected);
}

function allows(expected: Expected, actual: number): boolean {
  return typeof expected === 'number' ? expected === actual : expected.includes(actual);
}
