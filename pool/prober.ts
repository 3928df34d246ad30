// One HTTP probe of a worker, on a connection of its own: a worker that no longer accepts must not pass because an old
// connection still works. By Node's own client: requests wait while a probe is at work, and with a new connection each time
// it takes less than half of undici's CPU. Owns the mapping from errors to results.
import { Agent, request, type IncomingMessage, type RequestOptions } from 'node:http';
import type { Clock } from '../src/core/clock.js';
import { errorCode, errorMessage } from '../src/core/errors.js';
import { OUR_SHORTAGES } from '../src/core/shortages.js';
import type { UpstreamAddress } from '../src/core/traffic-port.js';
import { MAX_ANNOUNCEMENT_BYTES, nothingAnnounced, parseAnnouncement, type Announcement } from './announcement.js';
import type { ProbeOptions, ProbeResult } from './worker-runtime.js';

/** A health answer is short; one that is longer is not read to its end. */
const MAX_BODY_LENGTH = 64 * 1024;

const freshConnections = new Agent({ keepAlive: false });
const HEADERS = { 'user-agent': 'understudy-probe', connection: 'close' };

/** The reason of a probe that took too long. */
const TOO_LATE = new Error('no answer in time');

/** Never rejects: every way to fail is a result. */
export async function probeHttp(address: UpstreamAddress, options: ProbeOptions, clock: Clock): Promise<ProbeResult> {
  try {
    const { status, announced } = await ask(address, options, clock);
    return isExpected(status, options.expectStatus)
      ? { kind: 'passed', status, announced }
      : { kind: 'bad-status', status };
  } catch (error) {
    return error === TOO_LATE ? { kind: 'timeout' } : resultOf(error, address);
  }
}

interface Answered {
  readonly status: number;
  readonly announced: Announcement;
}

/** Resolves once the answer is whole, or longer than anybody wants to know. */
function ask(address: UpstreamAddress, { path, timeoutMs, signal }: ProbeOptions, clock: Clock): Promise<Answered> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason as Error);
    let isAnswered = false;
    const asking = request({ ...placeOf(address), path, agent: freshConnections, headers: HEADERS }, (answer) => {
      isAnswered = true;
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
    // Not by one joined signal (AbortSignal.any): that takes a good tenth of a probe's CPU.
    const giveUp = (reason: Error) => {
      reject(reason);
      asking.destroy();
    };
    const onAbort = () => giveUp(signal.reason as Error);
    const timer = clock.startTimer(timeoutMs, () => giveUp(TOO_LATE));
    signal.addEventListener('abort', onAbort, { once: true });
    asking.on('error', reject);
    asking.once('close', () => {
      timer.cancel();
      signal.removeEventListener('abort', onAbort);
      // Of a 101 Node tells by the close alone. An answer that has begun may still be read after it, and ends by itself.
      if (!isAnswered) reject(new Error('closed without an answer'));
    });
    asking.end();
  });
}

/** Only a short plain text with a Content-Length can be an announcement. */
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

function resultOf(error: unknown, address: UpstreamAddress): ProbeResult {
  const codes = codesOf(error);
  const [code] = codes.filter((each) => !isOurShortage(each, address));
  if (code === undefined && codes[0] !== undefined) return { kind: 'unknown', reason: codes[0] };
  if (code === 'ECONNREFUSED' || code === 'ENOENT') return { kind: 'refused' };
  return { kind: 'broken', reason: code ?? errorMessage(error) };
}

/** A name may have several addresses, and each has an error: where IPv6 is off, the first may only say that we lack it. */
function codesOf(error: unknown): string[] {
  const errors =
    typeof error === 'object' && error !== null && 'errors' in error ? (error.errors as unknown[]) : [error];
  return errors.flatMap((each) => errorCode(each) ?? []);
}

/** EAGAIN too, but for a Unix socket, where it is the worker's: its queue of connections is full (unix(7)). */
function isOurShortage(code: string, { kind }: UpstreamAddress): boolean {
  const ours: readonly string[] = OUR_SHORTAGES;
  return ours.includes(code) || (code === 'EAGAIN' && kind !== 'unix');
}
