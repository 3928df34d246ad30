// `npm run bench:switch`: switches there and back under load, ours beside stopping all and starting with new numbers:
// what failed, what clients felt meanwhile and in steady state, how long a switch takes. Exit code 1 when ours failed a request.

import { ClientLoad, type Outcome } from '../src/chaos/client-load.js';
import { systemClock } from '../src/core/clock.js';
import { startRestartWay } from './switching/restart-way.js';
import type { Switched } from './switching/switched.js';
import { startUnderstudyWay } from './switching/understudy-way.js';
import { readBenchOptions } from './support/bench-options.js';
import { printTable, writeResults, type Row } from './support/report.js';
import { median, quantile } from './support/statistics.js';
import { findPython, uvicornExample } from './support/uvicorn-example.js';
import { demoCommand } from './support/worker-commands.js';

const CONNECTIONS = 16;
/** The workers are not the limit: what is measured is the switch, not a contest for the CPU. */
const THINK_MS = 10;
const WARM_UP_MS = 3_000;

/** A round is a switch there and one back; seconds are those of the steady state measured before. */
const options = readBenchOptions({ rounds: 10, seconds: 5 });
const python = findPython();
const rows: Row[] = [await measure(() => startUnderstudyWay('understudy, demo', demoCommand()))];
if (python === undefined) {
  console.error('no Python with uvicorn and starlette here: the rows on uvicorn are left out');
} else {
  const command = uvicornExample(python, '{port}');
  rows.push(await measure(() => startUnderstudyWay('understudy, uvicorn', command)));
  rows.push(await measure(() => startRestartWay(python)));
}
printTable(`${options.rounds * 2} switches under ${CONNECTIONS} connections of load`, rows);
if (!options.quick) writeResults('switching', rows);
if (rows.some(({ way, failed }) => String(way).startsWith('understudy') && failed !== 0)) process.exitCode = 1;

async function measure(start: () => Promise<Switched>): Promise<Row> {
  const switched = await start();
  let outcomes: Outcome[] = [];
  const load = new ClientLoad({
    url: () => switched.url(),
    connections: CONNECTIONS,
    thinkMs: THINK_MS,
    clock: systemClock,
    next: () => ({ method: 'GET', path: '/' }),
    onOutcome: (outcome) => outcomes.push(outcome),
  });
  try {
    await sleep(WARM_UP_MS);
    outcomes = [];
    await sleep(options.seconds * 1000);
    const steady = outcomes;
    outcomes = [];
    const tookMs = await switchThereAndBack(switched);
    const queuedP99Ms = await switched.queuedP99Ms();
    await load.stop();
    return summarise(switched.name, { steady, switching: outcomes, tookMs, queuedP99Ms });
  } finally {
    await switched.stop();
  }
}

async function switchThereAndBack(switched: Switched): Promise<number[]> {
  const tookMs: number[] = [];
  for (let round = 0; round < options.rounds; round += 1) {
    for (const mode of ['validation', 'production'] as const) {
      const startedAt = performance.now();
      await switched.switchTo(mode);
      tookMs.push(performance.now() - startedAt);
    }
  }
  return tookMs;
}

interface Measured {
  readonly steady: readonly Outcome[];
  readonly switching: readonly Outcome[];
  readonly tookMs: readonly number[];
  readonly queuedP99Ms: number | undefined;
}

function summarise(way: string, { steady, switching, tookMs, queuedP99Ms }: Measured): Row {
  const failed = switching.filter(({ failure, status = 0 }) => failure !== undefined || status >= 400);
  const p99 = (outcomes: readonly Outcome[]) =>
    Math.round(
      quantile(
        outcomes.map(({ durationMs }) => durationMs),
        0.99,
      ),
    );
  return {
    way,
    switches: tookMs.length,
    requests: switching.length,
    failed: failed.length,
    'p99 ms steady': p99(steady),
    'p99 ms switching': p99(switching),
    'queued p99 ms <=': queuedP99Ms ?? '',
    'to converge ms (median / worst)': `${Math.round(median(tookMs))} / ${Math.round(Math.max(...tookMs))}`,
    'failed with': [...new Set(failed.map(({ failure, status }) => failure ?? `status ${status}`))].join(', '),
  };
}

function sleep(durationMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, durationMs));
}
