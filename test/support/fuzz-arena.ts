// Where hostile messages meet the proxy, one at a time, with two judges: a backend that reads strictly, and llhttp. What
// the proxy accepts, llhttp must accept and read the same; what goes on must be strict; nobody gets another's answer.

import type { LaneChoice } from './conformance-rig.js';
import type { Hostile } from './hostile-messages.js';
import {
  asOriginForm,
  comparable,
  marksOf,
  readRequestsWithLlhttp,
  readResponseWithLlhttp,
  withKnownVersions,
} from './llhttp-reading.js';
import { ProxyRig } from './proxy-rig.js';
import { RawConnection } from './raw-connection.js';
import { RecordingBackend } from './recording-backend.js';
import { readResponses, valuesOf, type StrictRequest, type StrictResponse } from './strict-http.js';

export interface FuzzTally {
  /** Messages that got through, in whole. */
  accepted: number;
  /** Those that were refused by us, or broken off. */
  refused: number;
}

export class FuzzArena {
  readonly tally: FuzzTally = { accepted: 0, refused: 0 };
  readonly #rig: ProxyRig;
  readonly #backend: RecordingBackend;
  #count = 0;
  /** Ends with the message that is on its way; a test that ran out of time leaves one behind. */
  #underWay: Promise<unknown> = Promise.resolve();

  private constructor(rig: ProxyRig, backend: RecordingBackend) {
    this.#rig = rig;
    this.#backend = backend;
  }

  static async open(lane: LaneChoice): Promise<FuzzArena> {
    const backend = await RecordingBackend.start();
    const rig = await ProxyRig.start({ lane });
    rig.route(backend.port);
    return new FuzzArena(rig, backend);
  }

  async close(): Promise<void> {
    await this.#underWay;
    await this.#rig.close();
    await this.#backend.close();
  }

  /** Throws what was wrong. */
  tryRequests(message: Hostile): Promise<void> {
    return this.#afterTheLast(() => this.#tryRequests(message));
  }

  /** Throws what was wrong. */
  tryResponse(message: Hostile): Promise<void> {
    return this.#afterTheLast(() => this.#tryResponse(message));
  }

  #afterTheLast(attempt: () => Promise<void>): Promise<void> {
    const result = this.#underWay.then(attempt);
    this.#underWay = result.catch(() => undefined);
    return result;
  }

  async #tryRequests(message: Hostile): Promise<void> {
    const backend = this.#backend;
    backend.forget();
    const responses = await this.#converse(message, backend.requests);
    const requests = [...backend.requests];
    demand(backend.faults.length === 0, 'malformed bytes reached the backend', backend.faults);
    const final = responses.filter(({ status }) => status >= 200);
    demand(requests.length <= final.length, 'more requests than answers', [
      requests.map(({ raw }) => raw),
      final.length,
    ]);
    checkAnswers(requests, final);
    checkAgainstLlhttp(requests, message.pieces.join(''));
    this.#note(final.some((response) => isOurs(response)));
    await this.#checkClean();
  }

  async #tryResponse(message: Hostile): Promise<void> {
    const backend = this.#backend;
    backend.forget();
    const bytes = message.pieces.join('');
    backend.script = (_request, socket) => {
      for (const piece of message.pieces) socket.write(piece, 'latin1');
      socket.end();
      return undefined;
    };
    const client = await RawConnection.open(this.#rig.port);
    client.write('POST /asked HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi');
    const received = await client.waitForEnd();
    client.close();
    const { messages, rest, fault } = readResponses(received, { methods: ['POST'], ended: true });
    demand(fault === undefined, 'malformed bytes reached the client', [fault, received]);
    const final = messages.filter(({ status }) => status >= 200);
    demand(final.length + (rest === '' ? 0 : 1) === 1, 'not one answer', received);
    const [answer] = final;
    this.#note(answer === undefined || isOurs(answer));
    if (answer !== undefined && !isOurs(answer)) checkResponseAgainstLlhttp(answer, bytes);
    await this.#checkClean();
  }

  /** Everything that comes back, read strictly. */
  async #converse({ pieces }: Hostile, seen: readonly StrictRequest[]): Promise<readonly StrictResponse[]> {
    const client = await RawConnection.open(this.#rig.port);
    for (const piece of pieces) {
      client.write(piece);
      await client.flushed();
    }
    client.socket.end();
    const received = await client.waitForEnd();
    client.close();
    const methods = seen.map(({ method }) => method);
    // What was refused may have been a HEAD: then its answer has no body.
    const refused = pieces.join('').includes('HEAD ') ? ['GET', 'HEAD'] : ['GET'];
    const readings = refused.map((method) => readResponses(received, { methods: [...methods, method], ended: true }));
    const reading = readings.find(({ fault, rest }) => fault === undefined && rest === '');
    demand(reading !== undefined, 'malformed bytes reached the client', [readings[0]?.fault, received]);
    return reading.messages;
  }

  #note(refused: boolean): void {
    if (refused) this.tally.refused += 1;
    else this.tally.accepted += 1;
  }

  /** The next client on the same upstream sockets gets its own answer. */
  async #checkClean(): Promise<void> {
    this.#backend.forget();
    const target = `/clean${(this.#count += 1)}`;
    const received = await this.#rig.exchange(`GET ${target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
    demand(received.endsWith(`\r\n\r\nGET ${target}`), 'the next client got another answer', received);
    demand(this.#backend.seen.join() === `GET ${target}`, 'the backend saw more than that', this.#backend.seen);
    demand(this.#backend.faults.length === 0, 'malformed bytes reached the backend later', this.#backend.faults);
  }
}

function isOurs(response: StrictResponse): boolean {
  return valuesOf(response, 'x-understudy-reason').length > 0;
}

/** Each request that went through was answered as itself, in order; what we refused comes last. */
function checkAnswers(requests: readonly StrictRequest[], final: readonly StrictResponse[]): void {
  const answered = final.filter((response) => !isOurs(response) && valuesOf(response, 'allow').length === 0);
  demand(answered.length === requests.length, 'answers and requests differ', [requests.map(({ raw }) => raw), final]);
  requests.forEach(({ method, target }, index) => {
    const expected = method === 'HEAD' ? '' : `${method} ${target}`;
    demand(answered[index]!.body === expected, "another request's answer", [expected, answered[index]!.body]);
  });
}

function checkAgainstLlhttp(requests: readonly StrictRequest[], bytes: string): void {
  const opinion = readRequestsWithLlhttp(bytes);
  comparable(requests).forEach((request, index) => {
    const other = opinion.messages[index];
    demand(other !== undefined, 'accepted by us, not by llhttp', [request.raw, opinion.fault, bytes]);
    const { method, url, body, rawHeaders } = other;
    demand(method === request.method, 'another method', [request.raw, other]);
    demand(withKnownVersions(body) === withKnownVersions(request.body), 'another body', [request.raw, other, bytes]);
    demand(asOriginForm(url, method) === request.target, 'another target', [request.raw, other]);
    demand(marksOf(rawHeaders).join() === valuesOf(request, 'x-a').join(), 'other fields', [request.raw, other]);
  });
}

function checkResponseAgainstLlhttp(answer: StrictResponse, bytes: string): void {
  const opinion = readResponseWithLlhttp(bytes, { head: false });
  const other = opinion.messages.find(({ status }) => status >= 200);
  demand(other !== undefined, 'an answer of ours that llhttp cannot read', [answer.raw, opinion.fault, bytes]);
  demand(other.status === answer.status, 'another status', [answer.raw, bytes]);
  demand(withKnownVersions(other.body) === withKnownVersions(answer.body), 'another body', [answer.raw, other, bytes]);
}

function demand(holds: boolean, rule: string, evidence: unknown): asserts holds {
  if (!holds) throw new Error(`${rule}: ${JSON.stringify(evidence)}`);
}
