// One HTTP probe of a worker, by undici, on a connection of its own: a worker that no longer accepts must not pass
// because an old connection still works. Owns the mapping from undici's errors to probe results.
import { Agent, request, type Dispatcher } from 'undici';
import type { Clock } from '../src/core/clock.js';
import { errorCode, errorMessage } from '../src/core/errors.js';
import type { UpstreamAddress } from '../src/core/traffic-port.js';
import { MAX_ANNOUNCEMENT_BYTES, nothingAnnounced, parseAnnouncement, type Announcement } from './announcement.js';
import type { ProbeOptions, ProbeResult } from './worker-runtime.js';

/** A health answer is small; whatever comes after this many bytes is not read. */
const MAX_BODY_BYTES = 64 * 1024;

/** Never rejects: every way to fail is a result. */
export async function probeHttp(address: UpstreamAddress, options: ProbeOptions, clock: Clock): Promise<ProbeResult> {
  const deadline = new AbortController();
  const timer = clock.startTimer(options.timeoutMs, () => deadline.abort());
  const agent = agentFor(address);
  try {
    const { statusCode, headers, body } = await request(urlOf(address, options.path), {
      dispatcher: agent,
      signal: AbortSignal.any([deadline.signal, options.signal]),
      headers: { 'user-agent': 'understudy-probe' },
      reset: true,
    });
    if (!isExpected(statusCode, options.expectStatus)) {
      await body.dump({ limit: MAX_BODY_BYTES });
      return { kind: 'bad-status', status: statusCode };
    }
    return { kind: 'passed', status: statusCode, announced: await readAnnouncement(headers, body) };
  } catch (error) {
    return deadline.signal.aborted ? { kind: 'timeout' } : resultOf(error);
  } finally {
    timer.cancel();
    void agent.destroy();
  }
}

/** Only a short plain text can be one; anything else is read away unseen. */
async function readAnnouncement(
  headers: Dispatcher.ResponseData['headers'],
  body: Dispatcher.ResponseData['body'],
): Promise<Announcement> {
  const length = Number(headers['content-length'] ?? NaN);
  if (!String(headers['content-type']).startsWith('text/plain') || !(length <= MAX_ANNOUNCEMENT_BYTES)) {
    await body.dump({ limit: MAX_BODY_BYTES });
    return nothingAnnounced;
  }
  return parseAnnouncement(await body.text());
}

export function agentFor(address: UpstreamAddress): Agent {
  return new Agent(address.kind === 'unix' ? { connect: { socketPath: address.path } } : {});
}

export function urlOf(address: UpstreamAddress, path: string): string {
  if (address.kind === 'unix') return `http://localhost${path}`;
  const host = address.host.includes(':') ? `[${address.host}]` : address.host;
  return `http://${host}:${address.port}${path}`;
}

function isExpected(status: number, expected: number | undefined): boolean {
  return expected === undefined ? status < 500 : status === expected;
}

function resultOf(error: unknown): ProbeResult {
  const code = errorCode(error);
  if (code === 'ECONNREFUSED' || code === 'ENOENT') return { kind: 'refused' };
  if (code === 'UND_ERR_CONNECT_TIMEOUT' || code === 'UND_ERR_HEADERS_TIMEOUT') return { kind: 'timeout' };
  return { kind: 'broken', reason: code ?? errorMessage(error) };
}
