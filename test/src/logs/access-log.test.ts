import { describe, expect, test } from '@jest/globals';
import type { RequestRecord } from '../../../proxy/index.js';
import { AccessLog, type AccessLogFormat } from '../../../src/logs/access-log.js';
import { ManualClock } from '../../support/manual-clock.js';

const RECORD: RequestRecord = {
  id: 'abc',
  method: 'GET',
  path: '/a?b=1',
  status: 200,
  upstream: 'primary/1',
  attempts: 2,
  durationMs: 12.345_678,
  queuedMs: 0.25,
  firstByteMs: 11,
  bytesIn: 0,
  bytesOut: 512,
  endedBy: 'served',
  phase: 'done',
  client: { address: '10.0.0.7', httpVersion: '1.1', referer: undefined, userAgent: 'curl/8' },
  code: undefined,
};

function lineOf(format: AccessLogFormat, record: RequestRecord): string {
  let written = '';
  const writer = { write: (line: string) => (written += line) };
  new AccessLog(format, { writer, clock: new ManualClock() }).onRequest(record);
  expect(written.endsWith('\n')).toBe(true);
  expect(written.trimEnd()).not.toContain('\n');
  return written.trimEnd();
}

describe('the access log', () => {
  test('writes JSON with phases in milliseconds and who ended it', () => {
    expect(JSON.parse(lineOf('json', RECORD))).toEqual({
      kind: 'access',
      time: '2023-11-14T22:13:21.000Z',
      id: 'abc',
      method: 'GET',
      path: '/a?b=1',
      status: 200,
      upstream: 'primary/1',
      attempts: 2,
      durationMs: 12.346,
      queuedMs: 0.25,
      firstByteMs: 11,
      bytesIn: 0,
      bytesOut: 512,
      endedBy: 'served',
      phase: 'done',
      client: { address: '10.0.0.7', httpVersion: '1.1', userAgent: 'curl/8' },
    });
  });

  test('writes the combined format with its own facts after it', () => {
    expect(lineOf('combined', RECORD)).toBe(
      '10.0.0.7 - - [14/Nov/2023:22:13:21 +0000] "GET /a?b=1 HTTP/1.1" 200 512 "-" "curl/8" ' +
        'id=abc upstream=primary/1 attempts=2 queued_ms=0.25 first_byte_ms=11 duration_ms=12.346 ended_by=served phase=done code=-',
    );
  });

  test('lets no client end a field or a line', () => {
    const client = { ...RECORD.client!, userAgent: 'x" 200 0 "\r\nforged é ☃' };
    const line = lineOf('combined', { ...RECORD, client });
    expect(line).toContain('"x\\x22 200 0 \\x22\\x0d\\x0aforged \\xe9 \\u2603"');
  });
});
