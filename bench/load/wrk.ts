// Load by wrk: closed loop, one thread. Its Lua hook prints what it measured as JSON.

import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { temporaryFolder } from '../support/children.js';
import { readSummary, type LoadResult } from './load-summary.js';

export interface WrkLoad {
  readonly url: string;
  readonly connections: number;
  readonly seconds: number;
  /** Lua that sets up the request, for anything but GET. */
  readonly script?: string;
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
  return readSummary(stdout.slice(stdout.indexOf(MARK) + MARK.length));
}

let folder: string | undefined;

function scriptFolder(): string {
  return (folder ??= temporaryFolder());
}
