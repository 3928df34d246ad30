// One HTTP probe of a worker, on a connection of its own: a worker that no longer accepts must not pass because an old
// connection still works. By Node's own client: requests wait while a probe is at work, and with a new connection each time
// it takes less than half of undici's CPU. Owns the mapping from errors to results.
import { Agent, request, type IncomingMessage, type RequestOptions } from 'node:http';
import type { Clock } from '../src/core/clock.js';
import { errorCode, errorMessage } from '../src/core/errors.js';
import type { UpstreamAddress } from '../src/core/traffic-port.js';
import { MAX_ANNOUNCEMENT_BYTES, nothingAnnounced, parseAnnouncement, type Announcement } from './announcement.js';
import type { ProbeOptions, ProbeResult } from './worker-runtime.js';

/** A health answer is short; one that is longer is not read to its end. */
const MAX_BODY_LENGTH = 64 * 1024;

const freshConnections = new Agent({ keepAlive: false });

/** Never rejects: every way to fail is a result. */
export async function probeHttp(address: UpstreamAddress, options: ProbeOptions, clock: Clock): Promise<ProbeResult> {
  const deadline = new AbortController();
  const timer = clock.startTimer(options.timeoutMs, () => deadline.abort());
  const signal = AbortSignal.any([deadline.signal, options.signal]);
  try {
    const { status, announced } = await ask({ ...placeOf(address), path: options.path, signal });
    return isExpected(status, options.expectStatus)
      ? { kind: 'passed', status, announced }
      : { kind: 'bad-status', status };
  } catch (error) {
    return deadline.signal.aborted ? { kind: 'timeout' } : resultOf(error);
  } finally {
    timer.cancel();
  }
}

interface Answered {
  readonly status: number;
  readonly announced: Announcement;
}

/** Resolves once the answer is whole, or longer than anybody wants to know. */
function ask(options: RequestOptions): Promise<Answered> {
  return new Promise((resolve, reject) => {
    const headers = { 'user-agent': 'understudy-probe', connection: 'close' };
    const asking = request({ ...options, agent: freshConnections, headers }, (answer) => {
      let body = '';
      const finish = () => resolve({ status: answer.statusCode!, announced: announcedBy(answer, body) });
      answer.setEncoding('utf8');
      answer.on('data', (text: string) => {
        body += text;
        if (body.length < MAX_BODY_LENGTH) return;
        finish();
        asking.destroy();
      });
      answer.on('end', finish);
      answer.on('error', reject);
    });
    asking.on('error', reject);
    asking.end();
  });
}

/** Only a short plain text of a length told before can be an announcement. */
function announcedBy({ headers }: IncomingMessage, body: string): Announcement {
  const isPlain = headers['content-type']?.startsWith('text/plain') === true;
  const isShort = Number(headers['content-length'] ?? NaN) <= MAX_ANNOUNCEMENT_BYTES;
  return isPlain && isShort ? parseAnnouncement(body) : nothingAnnounced;
}

function placeOf(address: UpstreamAddress): RequestOptions {
  return address.kind === 'unix' ? { socketPath: address.path } : { host: address.host, port: address.port };
}

function isExpected(status: number, expected: number | undefined): boolean {
  return expected === undefined ? status < 500 : status === expected;
}

function resultOf(error: unknown): ProbeResult {
  const code = errorCode(error);
  if (code === 'ECONNREFUSED' || code === 'ENOENT') return { kind: 'refused' };
  return { kind: 'broken', reason: code ?? errorMessage(error) };
}
