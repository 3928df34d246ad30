// `npm run bench:peers`: Understudy beside other proxies, interleaved in one run, the proxy on one core, client and
// backend on the other. `--case small-get --peer haproxy,nginx,understudy --rounds 3 --seconds 5` for less.

import { availableParallelism } from 'node:os';
import { cases, type Case } from './peers/cases.js';
import { measureCase, type Sample } from './peers/measure.js';
import type { Peer } from './peers/peer.js';
import { peers } from './peers/peers.js';
import { readBenchChoices } from './support/bench-options.js';
import { hasProgram, pinSelf } from './support/children.js';
import { printTable, writeResults, type Row } from './support/report.js';
import { median } from './support/statistics.js';

const PROXY_CPU = '0';
const CLIENT_CPU = '1';
const RATIO_TO = ['haproxy', 'nginx'] as const;
const COMPARED = [
  { name: 'p99', pick: (sample: Sample) => sample.p99Ms },
  { name: 'CPU', pick: (sample: Sample) => sample.cpuMicroseconds },
] as const;

const options = readBenchChoices(
  { rounds: 3, seconds: 4 },
  { case: cases.map(({ name }) => name), peer: peers.map(({ name }) => name) },
);
for (const program of ['wrk', 'nginx', 'taskset']) {
  if (hasProgram(program)) continue;
  console.error(`bench:peers needs ${program} (wrk for load, nginx as backend, taskset to keep them apart)`);
  process.exit(1);
}
const pinned = availableParallelism() >= 2;
if (pinned) pinSelf(CLIENT_CPU);
else console.error('only one CPU here: nothing is pinned, proxy and load disturb each other');

const chosenPeers = peers.filter(({ name }) => options.chosen.peer.includes(name)).filter(installed);
const results: Row[] = [];
for (const test of cases.filter(({ name }) => options.chosen.case.includes(name)).filter(installed)) {
  const samples = await measureCase(test, {
    peers: chosenPeers,
    rounds: options.rounds,
    seconds: options.seconds,
    pinTo: pinned ? PROXY_CPU : undefined,
  });
  const rows = [...samples].map(([peer, own]) => ({ ...summarise(test, peer, own), ...ratios(test, peer, samples) }));
  printTable(`${test.title}: medians of ${options.rounds} rounds of ${options.seconds} s`, rows);
  results.push(...rows.map((row) => ({ case: test.name, ...row })));
}
const all = options.chosen.case.length === cases.length && options.chosen.peer.length === peers.length;
// A run of some cases must not pass for the whole one.
writeResults(all && !options.quick ? 'peers' : 'peers.local', results);
const failed = results.filter(({ failed: count }) => count !== 0);
for (const { case: test, peer, failed: count } of failed) console.error(`${test}, ${peer}: ${count} requests failed`);
if (failed.some(({ peer }) => peer === 'direct' || peer === 'understudy')) process.exitCode = 1;

function installed({ name, needs }: Peer | Case): boolean {
  if (needs === undefined || hasProgram(needs)) return true;
  console.error(`${name} is left out: no ${needs} here`);
  return false;
}

function summarise(test: Case, peer: Peer, samples: readonly Sample[]): Row {
  const medianOf = (pick: (sample: Sample) => number) => rounded(median(samples.map(pick)));
  const own: Row =
    test.name === 'idle'
      ? { 'RSS KiB/connection': medianOf((sample) => sample.residentKiBPerConnection!) }
      : { 'p50 ms': medianOf((sample) => sample.p50Ms), 'p99 ms': medianOf((sample) => sample.p99Ms) };
  return {
    peer: peer.name,
    [`${test.unit}s/s`]: Math.round(medianOf((sample) => sample.requestsPerSecond)),
    ...own,
    failed: samples.reduce((total, { failed }) => total + failed, 0),
    [`CPU us/${test.unit}`]: medianOf((sample) => sample.cpuMicroseconds),
    'core busy': medianOf((sample) => sample.busy),
    'peak RSS MiB': medianOf((sample) => sample.peakResidentKiB / 1024),
  };
}

/** Each round beside the same round of HAProxy and of nginx, so that a slow spell of the machine is in both; medians. */
function ratios(test: Case, peer: Peer, samples: ReadonlyMap<Peer, readonly Sample[]>): Row {
  const own = samples.get(peer)!;
  const columns = COMPARED.filter(({ name }) => name !== 'p99' || test.name !== 'idle').flatMap(({ name, pick }) =>
    RATIO_TO.map((other) => {
      const others = [...samples].find(([{ name: known }]) => known === other)?.[1];
      const isCompared = others !== undefined && peer.name !== 'direct';
      const paired = () => own.map((sample, round) => pick(sample) / pick(others![round]!));
      return [`${name} / ${other}`, isCompared ? rounded(median(paired())) : ''] as const;
    }),
  );
  return Object.fromEntries(columns);
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}
