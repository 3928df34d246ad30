// `npm run bench`: what the proxy costs. Autocannon against one backend directly and through the proxy, in the
// production and the validation shape: throughput, latency, and the proxy's CPU time per request.

import autocannon from 'autocannon';
import { BenchInstance } from './support/instance.js';
import { readBenchOptions } from './support/bench-options.js';
import { cpuMicroseconds } from './support/process-usage.js';
import { printTable, writeResults, type Row } from './support/report.js';
import { median } from './support/statistics.js';
import { findPython, uvicornExample } from './support/uvicorn-example.js';

const CONNECTIONS = 32;
const options = readBenchOptions({ rounds: 3, seconds: 4 });

interface Measured {
  readonly requestsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly failed: number;
  readonly proxyCpuMicroseconds: number;
}

async function load(url: string, proxyPid: number | undefined): Promise<Measured> {
  const cpuBefore = proxyPid === undefined ? 0 : cpuMicroseconds(proxyPid);
  const result = await autocannon({ url, connections: CONNECTIONS, duration: options.seconds });
  const cpu = proxyPid === undefined ? 0 : cpuMicroseconds(proxyPid) - cpuBefore;
  return {
    requestsPerSecond: result.requests.average,
    p50Ms: result.latency.p50,
    p99Ms: result.latency.p99,
    failed: result.errors + result.timeouts + result.non2xx,
    proxyCpuMicroseconds: cpu / result.requests.total,
  };
}

async function measureBackend(name: string, config: Readonly<Record<string, unknown>>): Promise<Row[]> {
  const instance = await BenchInstance.start({ config });
  const samples = new Map<string, Measured[]>();
  try {
    for (let round = 0; round < options.rounds; round += 1) {
      for (const mode of ['production', 'validation']) {
        await instance.setMode(mode);
        const direct = await load(`http://127.0.0.1:${instance.backendPorts[0]}/`, undefined);
        const proxied = await load(`${instance.url}/`, instance.pid);
        samples.set(`${mode}, one worker direct`, [...(samples.get(`${mode}, one worker direct`) ?? []), direct]);
        samples.set(`${mode}, through the proxy`, [...(samples.get(`${mode}, through the proxy`) ?? []), proxied]);
      }
    }
  } finally {
    await instance.stop();
  }
  return [...samples].map(([shape, measured]) => summarise(`${name}: ${shape}`, measured));
}

function summarise(shape: string, measured: readonly Measured[]): Row {
  const medianOf = (pick: (one: Measured) => number) => median(measured.map(pick));
  return {
    shape,
    'requests/s': Math.round(medianOf((one) => one.requestsPerSecond)),
    'p50 ms': medianOf((one) => one.p50Ms),
    'p99 ms': medianOf((one) => one.p99Ms),
    failed: measured.reduce((sum, one) => sum + one.failed, 0),
    'proxy CPU us/request': Math.round(medianOf((one) => one.proxyCpuMicroseconds)),
  };
}

const rows = await measureBackend('demo', {});
const python = findPython();
if (python === undefined) console.error('no Python with uvicorn and starlette here: the uvicorn rows are left out');
else rows.push(...(await measureBackend('uvicorn', { command: uvicornExample(python, '{port}') })));
printTable(`${CONNECTIONS} connections, GET /, medians of ${options.rounds} rounds of ${options.seconds} s`, rows);
writeResults(options.partly ? 'throughput.local' : 'throughput', rows);
if (rows.some(({ failed }) => failed !== 0)) process.exitCode = 1;
