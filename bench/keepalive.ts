// `npm run bench:keepalive`: what a keep-alive request takes on real uvicorn. One worker by itself, `uvicorn --workers 2`
// (whose shared socket loses TCP_NODELAY), and our 2 x 2 shape through the proxy.

import { spawn, type ChildProcess } from 'node:child_process';
import { Agent, request, type IncomingMessage } from 'node:http';
import { once } from 'node:events';
import { freePorts } from '../src/core/free-ports.js';
import { BenchInstance } from './support/instance.js';
import { readBenchOptions } from './support/bench-options.js';
import { printTable, writeResults } from './support/report.js';
import { median, quantile } from './support/statistics.js';
import { findPython, uvicornExample } from './support/uvicorn-example.js';

const REQUESTS = 200;
const options = readBenchOptions({ rounds: 3, seconds: 0 });

/** Latencies of requests one after the other on one connection, in milliseconds. */
async function latencies(port: number): Promise<number[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const taken: number[] = [];
  for (let count = 0; count < REQUESTS; count += 1) {
    const startedAt = performance.now();
    const sent = request({ port, host: '127.0.0.1', path: '/', agent });
    sent.end();
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    if (response.statusCode !== 200) throw new Error(`port ${port} answered ${response.statusCode}`);
    response.resume();
    await once(response, 'end');
    taken.push(performance.now() - startedAt);
  }
  agent.destroy();
  return taken;
}

async function startUvicorn(python: string, port: number, workers: number): Promise<ChildProcess> {
  const [program, ...args] = uvicornExample(python, port);
  const child = spawn(program!, [...args, '--workers', String(workers)], { stdio: 'ignore' });
  process.once('exit', () => child.kill('SIGTERM'));
  while (
    !(await fetch(`http://127.0.0.1:${port}/health`).then(
      () => true,
      () => false,
    ))
  ) {
    if (child.exitCode !== null) throw new Error(`uvicorn ended with ${child.exitCode}`);
  }
  return child;
}

const python = findPython();
if (python === undefined) throw new Error('no Python with uvicorn and starlette here');
const [onePort, twoPort] = await freePorts(2);
const children = [await startUvicorn(python, onePort!, 1), await startUvicorn(python, twoPort!, 2)];
const instance = await BenchInstance.start({
  config: { command: uvicornExample(python, '{port}') },
  args: ['--validation'],
});
const targets = [
  { shape: 'one uvicorn worker, direct', port: onePort! },
  { shape: 'uvicorn --workers 2, direct', port: twoPort! },
  { shape: '2 x 2 through the proxy', port: instance.port },
];
const samples = new Map<string, number[]>();
for (let round = 0; round < options.rounds; round += 1) {
  for (const { shape, port } of targets)
    samples.set(shape, [...(samples.get(shape) ?? []), ...(await latencies(port))]);
}
const rows = [...samples].map(([shape, taken]) => ({
  shape,
  'p50 ms': median(taken),
  'p99 ms': quantile(taken, 0.99),
}));
printTable(`one connection, ${REQUESTS} requests one after the other, ${options.rounds} rounds`, rows);
writeResults(options.partly ? 'keepalive.local' : 'keepalive', rows);
await instance.stop();
for (const child of children) child.kill('SIGTERM');
