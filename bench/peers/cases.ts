// The kinds of traffic that the proxies are measured with.

import { EventClients } from '../load/event-client.js';
import { openIdleConnections } from '../load/idle-connections.js';
import { C_COMPILER, startNativeTarget } from '../load/native-load.js';
import { startEventTarget, startStaticTarget, startUploadTarget, type Target } from '../load/target.js';
import type { LoadResult } from '../load/load-summary.js';
import { loadWithWrk, type WrkLoad } from '../load/wrk.js';
import { treeResidentKiB } from '../support/process-usage.js';
import { quantile } from '../support/statistics.js';

export interface CaseRun {
  readonly port: number;
  /** The proxy's; undefined where there is none. */
  readonly pid: number | undefined;
  readonly seconds: number;
  /** Called when what is measured begins: the load stands. */
  readonly onBegin: () => void;
}

export interface CaseResult extends LoadResult {
  readonly residentKiBPerConnection?: number;
}

export interface Case {
  readonly name: string;
  readonly title: string;
  /** What one of `requests` is. */
  readonly unit: string;
  /** The program that must be installed. */
  readonly needs?: string;
  readonly start: () => Promise<StartedCase>;
  readonly streaming: boolean;
  /** Memory is measured on a proxy that has not been measured before. */
  readonly fresh: boolean;
}

export interface StartedCase {
  readonly target: Target;
  readonly run: (run: CaseRun) => Promise<CaseResult>;
}

const EVENT_CLIENTS = 100;
const IDLE_CONNECTIONS = 5_000;
const SETTLE_MS = 1_000;
const PAUSES = 'function delay() return math.random(2, 6) end\n';
const POST_1_KIB = post(1024);
const POST_1_MIB = post(1024 * 1024);

export const cases: readonly Case[] = [
  wrkCase({ name: 'small-get', title: 'GET, 13-byte answer, 64 kept-alive connections' }, { path: '/small' }),
  // wrk and nginx fill their core too: who waits there is in the tail as well. This load leaves some of it free.
  {
    name: 'small-get-native',
    title: 'GET, 13-byte answer, 64 kept-alive connections, client and target in one native loop',
    unit: 'request',
    needs: C_COMPILER,
    start: startNative,
    streaming: false,
    fresh: false,
  },
  wrkCase(
    { name: 'paced-get', title: 'GET, 13-byte answer, 64 kept-alive connections that pause for 2 to 6 ms' },
    { path: '/small', script: PAUSES },
  ),
  wrkCase(
    { name: 'post', title: 'POST 1 KiB, 4 KiB answer, 64 kept-alive connections' },
    { path: '/answer', script: POST_1_KIB },
  ),
  wrkCase({ name: 'download', title: 'GET 1 MiB, 16 kept-alive connections' }, { path: '/big', connections: 16 }),
  {
    ...wrkCase(
      { name: 'upload', title: 'POST 1 MiB, 16 kept-alive connections' },
      { path: '/', connections: 16, script: POST_1_MIB },
      startUploadTarget,
    ),
    streaming: true,
  },
  {
    name: 'sse',
    title: `server-sent events of 200 bytes, ${EVENT_CLIENTS} streams, 10,000 events/s offered`,
    unit: 'event',
    start: async () => ({ target: await startEventTarget(), run: runEvents }),
    streaming: true,
    fresh: false,
  },
  wrkCase(
    { name: 'new-connection', title: 'GET, a new connection each request, 32 at a time' },
    { path: '/small', connections: 32, script: 'wrk.headers["connection"] = "close"\n' },
  ),
  {
    name: 'idle',
    title: `${IDLE_CONNECTIONS} idle kept-alive connections after one request each`,
    unit: 'connection',
    start: async () => ({ target: await startStaticTarget(), run: runIdle }),
    streaming: false,
    fresh: true,
  },
];

function wrkCase(
  names: { readonly name: string; readonly title: string },
  load: Partial<WrkLoad> & { readonly path: string },
  startTarget: () => Promise<Target> = startStaticTarget,
): Case {
  const { path, ...rest } = load;
  const run = ({ port, seconds, onBegin }: CaseRun) => {
    onBegin();
    return loadWithWrk({ url: `http://127.0.0.1:${port}${path}`, connections: 64, seconds, ...rest });
  };
  return {
    ...names,
    unit: 'request',
    start: async () => ({ target: await startTarget(), run }),
    streaming: false,
    fresh: false,
  };
}

async function startNative(): Promise<StartedCase> {
  const target = await startNativeTarget();
  const run = ({ port, seconds, onBegin }: CaseRun) => {
    onBegin();
    return target.load({ port, connections: 64, seconds });
  };
  return { target, run };
}

/** What wrk is told for it. */
function post(bytes: number): string {
  return `wrk.method = "POST"\nwrk.body = string.rep("x", ${bytes})\nwrk.headers["content-type"] = "text/plain"\n`;
}

async function runEvents({ port, seconds, onBegin }: CaseRun): Promise<CaseResult> {
  const clients = await EventClients.connect(port, EVENT_CLIENTS);
  await sleep(SETTLE_MS);
  onBegin();
  clients.begin();
  await sleep(seconds * 1000);
  const { ages, lost } = clients;
  clients.leave();
  return {
    requests: ages.length,
    requestsPerSecond: ages.length / seconds,
    p50Ms: quantile(ages, 0.5),
    p99Ms: quantile(ages, 0.99),
    failed: lost,
  };
}

/** Memory after a second of load, and again with the connections open: what they cost, not what the start costs. */
async function runIdle({ port, pid, onBegin }: CaseRun): Promise<CaseResult> {
  await loadWithWrk({ url: `http://127.0.0.1:${port}/small`, connections: 64, seconds: 2 });
  await sleep(SETTLE_MS);
  const before = pid === undefined ? 0 : treeResidentKiB(pid);
  onBegin();
  const startedAt = performance.now();
  const idle = await openIdleConnections(port, IDLE_CONNECTIONS);
  const seconds = (performance.now() - startedAt) / 1000;
  await sleep(SETTLE_MS);
  const growth = pid === undefined ? 0 : treeResidentKiB(pid) - before;
  const failed = idle.lost();
  idle.close();
  return {
    requests: IDLE_CONNECTIONS,
    requestsPerSecond: IDLE_CONNECTIONS / seconds,
    p50Ms: Number.NaN,
    p99Ms: Number.NaN,
    failed,
    residentKiBPerConnection: growth / IDLE_CONNECTIONS,
  };
}

function sleep(durationMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, durationMs));
}
