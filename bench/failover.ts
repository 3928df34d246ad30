// `npm run bench:failover`: our promotion times, and every fault side by side with HAProxy and nginx in front of the same
// workers. `--part side-by-side --fault stop-one --proxy haproxy,understudy --rounds 3` for less. Exit code 1 when we failed a
// request.

import { faults } from './failover/faults.js';
import { fronts } from './failover/fronts.js';
import { measurePromotions, TIERS } from './failover/promotion.js';
import { measureSideBySide } from './failover/side-by-side.js';
import { readBenchChoices } from './support/bench-options.js';
import { hasProgram } from './support/children.js';
import { printTable, writeResults, type Row } from './support/report.js';
import { findPython, uvicornExample } from './support/uvicorn-example.js';
import { demoCommand } from './support/worker-commands.js';

/** A round of the side by side takes a minute; one of promotions a second or two. */
const PROMOTIONS_PER_ROUND = 8;
/** With the return of the killed ones it takes several seconds. */
const COLD_PER_ROUND = 4;

const PARTS = ['promotion', 'tiers', 'side-by-side'] as const;

const options = readBenchChoices(
  { rounds: 5, seconds: 0 },
  {
    part: PARTS,
    tier: TIERS,
    fault: faults.map(({ name }) => name),
    proxy: fronts.map(({ name }) => name),
  },
);
const { part, fault, proxy, tier: chosenTiers } = options.chosen;
const python = findPython();
if (python === undefined) console.error('no Python with uvicorn and starlette here: the demo backend stands in for it');
const uvicorn = python === undefined ? undefined : uvicornExample(python, '{port}');
const promotions: Row[] = [];
const tiers: Row[] = [];
let sideBySide: readonly Row[] = [];

if (part.includes('promotion')) {
  const rounds = options.rounds * PROMOTIONS_PER_ROUND;
  promotions.push(...(await measurePromotions({ name: 'demo', command: demoCommand(), rounds })));
  if (uvicorn !== undefined)
    promotions.push(...(await measurePromotions({ name: 'uvicorn', command: uvicorn, rounds })));
  printTable('kill -9 under load, our own times: median / worst', promotions);
}
if (part.includes('tiers')) {
  for (const tier of TIERS.filter((known) => chosenTiers.includes(known))) {
    const command = uvicorn ?? demoCommand();
    const rounds = options.rounds * (tier === 'cold' ? COLD_PER_ROUND : PROMOTIONS_PER_ROUND);
    tiers.push(...(await measurePromotions({ name: tier, command, rounds, tier })));
  }
  printTable('the same by how cold the standby is (asleep: with hooks that do nothing): median / worst', tiers);
}
if (part.includes('side-by-side')) {
  const chosenFronts = fronts
    .filter(({ name }) => proxy.includes(name))
    .filter(({ name, needs }) => {
      if (needs === undefined || hasProgram(needs)) return true;
      console.error(`${name} is left out: no ${needs} here`);
      return false;
    });
  sideBySide = await measureSideBySide({
    fronts: chosenFronts,
    faults: faults.filter(({ name }) => fault.includes(name)),
    command: uvicorn ?? demoCommand(),
    rounds: options.rounds,
  });
  printTable('faults under load of GETs: recovery and slowest request as median / worst', sideBySide);
}
// A run of some of a part's rows must not pass for the whole part.
record('promotion', promotions, options.quick);
record('tiers', tiers, options.quick || chosenTiers.length < TIERS.length);
record('side-by-side', sideBySide, options.quick || fault.length < faults.length || proxy.length < fronts.length);

function record(name: (typeof PARTS)[number], rows: readonly Row[], partly: boolean): void {
  if (rows.length > 0) writeResults(`failover-${name}${partly ? '.local' : ''}`, rows);
}

const lostOurs =
  [...promotions, ...tiers].some((row) => row['failed (all rounds)'] !== 0) ||
  sideBySide.some(({ proxy, failed }) => proxy === 'understudy' && failed !== 0);
if (lostOurs) process.exitCode = 1;
