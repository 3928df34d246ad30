// `npm run bench:options`: the origin's comparison, measured. Three ways to serve the same CPU-bound endpoint at the same
// offered load while a validation job burns every core. Rounds are interleaved, and medians of the rounds are shown
// beside the origin's own figures.

import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { setPriority } from 'node:os';
import { join } from 'node:path';
import { busyCores, CORES, measureRound, type RoundResult } from './options/measure.js';
import { markdownTable, summarise, type OptionName } from './options/summary.js';
import { OPTIONS_FOLDER, startScript, startUnderstudy, type App, type Stack } from './options/stacks.js';
import { readBenchOptions } from './support/bench-options.js';
import { writeResults } from './support/report.js';
import { findPython } from './support/uvicorn-example.js';

/** CPU of one request, and what the job would take on an idle machine. */
const REQUEST_MS = 15;
/** Share of one core that the requests ask for. */
const OFFERED_CORES = 0.4;
const bench = readBenchOptions({ rounds: 5, seconds: 5 });

const python = findPython();
if (python === undefined) throw new Error('no Python with uvicorn and starlette here');

/** Iterations of the app's loop in a millisecond: the best of some tries, since others may be using the machine. */
function iterationsPerMs(): number {
  const script = `
import sys, time; sys.path.insert(0, ${JSON.stringify(OPTIONS_FOLDER)})
from app import work
best = 1e9
for _ in range(15):
    began = time.process_time(); work(200000); best = min(best, time.process_time() - began)
print(200000 / (best * 1000))`;
  return Number(spawnSync(python!, ['-c', script], { encoding: 'utf8' }).stdout);
}

const perMs = iterationsPerMs();
const app: App = { python, env: { BENCH_ITERATIONS: String(Math.round(perMs * REQUEST_MS)) } };
const job = [python, join(OPTIONS_FOLDER, 'job.py'), `${CORES}`, `${Math.round(perMs * bench.seconds * 1000)}`];
const perSecond = (OFFERED_CORES * 1000) / REQUEST_MS;

const STACKS: Readonly<Record<OptionName, () => Promise<Stack>>> = {
  A: () => startScript(app, 3),
  B: () => startUnderstudy(app),
  C: () => startScript(app, 2),
};

// The measuring client must not wait for what it measures. Without the privilege it measures all the same.
try {
  setPriority(-10);
  writeFileSync('/proc/self/autogroup', '-10');
} catch {
  console.error('no privilege to measure at a higher priority: latencies include the client waiting for the CPU');
}

/** Cores that others use before anything of ours runs: what the figures are worth depends on it. */
const othersCores = await busyCores(2_000);
const results: Record<OptionName, RoundResult[]> = { A: [], B: [], C: [] };
for (let round = 0; round < bench.rounds; round += 1) {
  for (const name of ['A', 'B', 'C'] as const) {
    const stack = await STACKS[name]();
    try {
      results[name].push(await measureRound(stack, { perSecond, seed: round + 1, job }));
    } finally {
      await stack.stop();
    }
  }
}

const rows = summarise(results);
const about = `${bench.rounds} interleaved rounds, medians; ${perSecond.toFixed(0)} requests/s of ${REQUEST_MS} ms CPU each, Poisson arrivals; the job burns ${CORES} cores for ${bench.seconds} s of CPU each; ${CORES} cores, of which others used ${othersCores.toFixed(1)} before the start.`;
const table = markdownTable(rows);
console.log(`${about}\n\n${table}`);
const kept = bench.partly ? 'options.local' : 'options';
writeResults(kept, { about, rows });
const folder = join(import.meta.dirname, '..', '..', 'bench', 'results');
writeFileSync(join(folder, `${kept}.md`), `# Options A, B and C under validation\n\n${about}\n\n${table}\n`);
process.exit(results.B.some(({ failedUnderJob }) => failedUnderJob > 0) ? 1 : 0);
