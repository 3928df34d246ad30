// Load by wrk: closed loop, one thread. Its Lua hook prints what it measured as JSON.

import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { temporaryFolder } from '../support/children.js';

export interface WrkLoad {
  readonly url: string;
  readonly connections: number;
  readonly seconds: number;
  /** Lua that sets up the request, for anything but GET. */
  readonly script?: string;
}

export interface LoadResult {
  readonly requests: number;
  readonly requestsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly failed: number;
}

interface WrkSummary {
  readonly requests: number;
  readonly durationMicroseconds: number;
  readonly p50Microseconds: number;
  readonly p99Microseconds: number;
  readonly failed: number;
}

const MARK = 'summary:';
const DONE_HOOK = `
function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '${MARK}{"requests":%d,"durationMicroseconds":%d,"p50Microseconds":%d,"p99Microseconds":%d,"failed":%d}\\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
`;

export async function loadWithWrk({ url, connections, seconds, script = '' }: WrkLoad): Promise<LoadResult> {
  const scriptPath = join(scriptFolder(), 'load.lua');
  writeFileSync(scriptPath, script + DONE_HOOK);
  const args = ['-t1', `-c${connections}`, `-d${seconds}s`, '--timeout', '10s', '-s', scriptPath, url];
  const { stdout } = await promisify(execFile)('wrk', args);
  const summary = JSON.parse(stdout.slice(stdout.indexOf(MARK) + MARK.length)) as WrkSummary;
  return {
    requests: summary.requests,
    requestsPerSecond: summary.requests / (summary.durationMicroseconds / 1e6),
    p50Ms: summary.p50Microseconds / 1e3,
    p99Ms: summary.p99Microseconds / 1e3,
    failed: summary.failed,
  };
}

let folder: string | undefined;

function scriptFolder(): string {
  return (folder ??= temporaryFolder());
}
