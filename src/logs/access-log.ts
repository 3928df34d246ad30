// One line for each request that is over: JSON by pino, or the combined format of web servers with our own facts after
// it. Each says who ended the request, in one word, and how long its phases took.

import { pino, type Logger as PinoLogger } from 'pino';
import type { RequestRecord } from '../../proxy/index.js';
import type { Clock } from '../core/clock.js';

export interface LineWriter {
  write(line: string): void;
}

export type AccessLogFormat = 'json' | 'combined';

export class AccessLog {
  readonly #write: (record: RequestRecord) => void;

  constructor(format: AccessLogFormat, { writer, clock }: { readonly writer: LineWriter; readonly clock: Clock }) {
    const json = jsonLogger(writer, clock);
    this.#write =
      format === 'json'
        ? (record) => json.info(jsonFacts(record))
        : (record) => writer.write(`${combinedLine(record, clock.epochNow())}\n`);
  }

  onRequest(record: RequestRecord): void {
    this.#write(record);
  }
}

function jsonLogger(writer: LineWriter, clock: Clock): PinoLogger {
  const timestamp = () => `,"time":"${new Date(clock.epochNow()).toISOString()}"`;
  return pino({ base: undefined, timestamp, formatters: { level: () => ({ kind: 'access' }) } }, writer);
}

function jsonFacts(record: RequestRecord): object {
  const { id, method, path, status, upstream, attempts, bytesIn, bytesOut, endedBy, phase, client, code } = record;
  const { durationMs, queuedMs, firstByteMs } = record;
  return {
    id,
    method,
    path,
    status,
    upstream,
    attempts,
    bytesIn,
    bytesOut,
    endedBy,
    phase,
    client,
    code,
    durationMs: rounded(durationMs),
    queuedMs: rounded(queuedMs),
    ...(firstByteMs === undefined ? {} : { firstByteMs: rounded(firstByteMs) }),
  };
}

/** Microseconds are as fine as the clock is worth. */
function rounded(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}

/** Apache's combined format (mod_log_config), then `name=value` pairs. */
function combinedLine(record: RequestRecord, epochMs: number): string {
  const { client, method, path, status, bytesOut } = record;
  const request = `${method} ${path} HTTP/${client?.httpVersion ?? '1.1'}`;
  const combined = [
    client?.address ?? '-',
    '- -',
    `[${commonLogTime(epochMs)}]`,
    quoted(request),
    String(status),
    bytesOut === 0 ? '-' : String(bytesOut),
    quoted(client?.referer ?? '-'),
    quoted(client?.userAgent ?? '-'),
  ];
  return [...combined, ...ownFacts(record)].join(' ');
}

function ownFacts(record: RequestRecord): string[] {
  const { id, upstream, attempts, queuedMs, firstByteMs, durationMs, endedBy, phase, code } = record;
  return [
    `id=${escaped(id)}`,
    `upstream=${upstream ?? '-'}`,
    `attempts=${attempts}`,
    `queued_ms=${rounded(queuedMs)}`,
    `first_byte_ms=${firstByteMs === undefined ? '-' : rounded(firstByteMs)}`,
    `duration_ms=${rounded(durationMs)}`,
    `ended_by=${endedBy}`,
    `phase=${phase}`,
    `code=${code ?? '-'}`,
  ];
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** In UTC, so that no daylight saving time makes two hours look alike. */
function commonLogTime(epochMs: number): string {
  const [date = '', time = ''] = new Date(epochMs).toISOString().split('T');
  const [year, month, day] = date.split('-');
  return `${day}/${MONTHS[Number(month) - 1]}/${year}:${time.slice(0, 8)} +0000`;
}

function quoted(text: string): string {
  return `"${escaped(text)}"`;
}

/** What a client sends must not be able to end a field or a line. */
function escaped(text: string): string {
  // eslint-disable-next-line no-control-regex
  return text.replace(/["\\\u0000-\u001f\u007f-\uffff]/g, (char) => {
    const code = char.charCodeAt(0);
    return code > 0xff ? `\\u${code.toString(16).padStart(4, '0')}` : `\\x${code.toString(16).padStart(2, '0')}`;
  });
}
