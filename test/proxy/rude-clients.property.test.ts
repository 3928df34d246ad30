// Whatever some clients do, the others get their answers, and nothing of the former stays.

import { afterEach, describe, expect, test } from '@jest/globals';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Agent, request as askSecurely } from 'node:https';
import { Agent as PlainAgent, request as askPlainly } from 'node:http';
import { connect as connectSession } from 'node:http2';
import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import { CERTIFICATE, FRONTS, LANES_AND_FRONTS } from '../support/certificates.js';
import { ProxyRig } from '../support/proxy-rig.js';
import { pay, rudeVisits, type RudeVisit } from '../support/rude-clients.js';

const LARGE = Buffer.alloc(400_000, 'x');
const AT_A_TIME = 8;

let rig: ProxyRig;
/** A test that has run out of time waits no longer. */
let over = false;

afterEach(async () => {
  over = true;
  await rig.close();
});

const ANSWERS: Record<string, (request: IncomingMessage, response: ServerResponse) => void> = {
  '/small': (_request, response) => void response.end('small'),
  '/large': (_request, response) => void response.end(LARGE),
  '/early': (_request, response) => void response.writeHead(413).end('early'),
  '/echo': (request, response) => void request.pipe(response),
  '/events': (_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write('data: 1\n\n', () => response.end('data: 2\n\n'));
  },
};

/** Asks one request after the other on a connection of its own, and says what was wrong with any of them. */
class PoliteClient {
  readonly #ask: () => Promise<number>;
  readonly #close: () => void;
  readonly faults: string[] = [];
  answered = 0;
  #stopped = false;
  readonly #done: Promise<void>;

  constructor(ask: () => Promise<number>, close: () => void) {
    this.#ask = ask;
    this.#close = close;
    this.#done = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#done;
    this.#close();
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      try {
        const length = await this.#ask();
        if (length === LARGE.length) this.answered += 1;
        else this.faults.push(`${length} octets`);
      } catch (error) {
        this.faults.push(String(error));
        return;
      }
    }
  }
}

function politeOverHttp1(port: number, trust: string | undefined): PoliteClient {
  const options = { keepAlive: true, maxSockets: 1 };
  const agent = trust === undefined ? new PlainAgent(options) : new Agent({ ...options, ca: trust });
  const place = { port, host: '127.0.0.1', servername: 'localhost', path: '/large', agent };
  const ask = () =>
    new Promise<number>((resolve, reject) => {
      const asked = (trust === undefined ? askPlainly : askSecurely)(place, (response) => {
        let length = 0;
        response.on('data', (bytes: Buffer) => (length += bytes.length));
        response.once('end', () => resolve(length)).once('error', reject);
      });
      asked.once('error', reject).end();
    });
  return new PoliteClient(ask, () => agent.destroy());
}

function politeOverHttp2(port: number, trust: string): PoliteClient {
  const session = connectSession(`https://127.0.0.1:${port}`, { ca: trust, servername: 'localhost' });
  const ask = () =>
    new Promise<number>((resolve, reject) => {
      let length = 0;
      const stream = session.request({ ':path': '/large' });
      stream.on('data', (bytes: Buffer) => (length += bytes.length));
      stream.once('end', () => resolve(length)).once('error', reject);
    });
  return new PoliteClient(ask, () => session.close());
}

async function receive(visits: readonly RudeVisit[], trust: string | undefined): Promise<void> {
  for (let first = 0; first < visits.length; first += AT_A_TIME)
    await Promise.all(visits.slice(first, first + AT_A_TIME).map((visit) => pay(visit, rig.port, trust)));
}

describe.each(LANES_AND_FRONTS)('with lane %s over %s, rude clients', (lane, carrier) => {
  test('harm nobody else and leave nothing behind', async () => {
    over = false;
    const trust = carrier === 'TLS' ? CERTIFICATE.cert : undefined;
    const property = fc.asyncProperty(rudeVisits, async (visits) => {
      rig = await ProxyRig.start({ lane, front: FRONTS[carrier] });
      rig.route(await rig.httpBackend((request, response) => ANSWERS[request.url!]!(request, response)));
      const polite = [politeOverHttp1(rig.port, trust)];
      if (trust !== undefined) polite.push(politeOverHttp2(rig.port, trust));
      await receive(visits, trust);
      await Promise.all(polite.map((client) => client.stop()));
      expect(polite.flatMap(({ faults }) => faults)).toEqual([]);
      for (const { answered } of polite) expect(answered).toBeGreaterThan(0);
      while (!over && (rig.proxy.stats().inflight > 0 || (await rig.openConnections()) > 0)) await setImmediate();
      await rig.close();
    });
    await fc.assert(property, { seed: 20, numRuns: 10, endOnFailure: true });
  });
});
