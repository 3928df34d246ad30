// `npm run bench:soak`: minutes of chaos under mixed load. Nothing may be lost that could have been saved, and memory and
// descriptors of the proxy must be flat. `--minutes 10`; exit code 1 when either does not hold.

import { parseArgs } from 'node:util';
import { acts } from '../src/chaos/acts.js';
import { runActs } from '../src/chaos/chaos-run.js';
import { RehearsalInstance } from '../src/chaos/rehearsal-instance.js';
import { renderReport } from '../src/commands/chaos.js';
import { parseConfig } from '../src/config/parse-config.js';
import { systemClock } from '../src/core/clock.js';
import { systemRandom } from '../src/core/random.js';
import { mixedLoad } from './soak/mixed-load.js';
import { UsageSeries } from './soak/usage-series.js';
import { temporaryFolder } from './support/children.js';
import { openDescriptors } from './support/process-usage.js';
import { printTable, writeResults } from './support/report.js';
import { findPython, uvicornExample } from './support/uvicorn-example.js';
import { demoCommand } from './support/worker-commands.js';

const CONNECTIONS = 12;
/** Idle sockets to the workers are closed by then. */
const REST_MS = 6_000;

const { values } = parseArgs({ options: { minutes: { type: 'string', default: '10' } } });
const minutes = Number(values.minutes);
if (!(minutes > 0)) {
  console.error(`--minutes ${values.minutes}: a positive number is accepted`);
  process.exit(2);
}

const python = findPython();
if (python === undefined) console.error('no Python with uvicorn and starlette here: the demo backend stands in for it');
const config = parseConfig({ command: python === undefined ? demoCommand() : uvicornExample(python, '{port}') });
const folder = temporaryFolder();
const instance = await RehearsalInstance.start({ config, mode: 'validation', folder });
const usage = new UsageSeries(instance.pid);
try {
  await sleep(REST_MS);
  const descriptorsBefore = openDescriptors(instance.pid);
  usage.begin();
  const report = await runActs({
    instance,
    folder,
    modes: Object.keys(config.modes),
    acts,
    forMs: minutes * 60_000,
    connections: CONNECTIONS,
    next: mixedLoad(systemRandom),
    clock: systemClock,
    random: systemRandom,
    onAct: (name) => console.error(`${new Date().toISOString()} ${name}`),
  });
  usage.end();
  await sleep(REST_MS);
  const rows = [
    { what: 'RSS MiB', ...usage.quarters(({ residentMiB }) => residentMiB) },
    { what: 'descriptors', ...usage.quarters(({ descriptors }) => descriptors) },
  ];
  const atRest = { descriptorsBefore, descriptorsAfter: openDescriptors(instance.pid) };
  console.log(renderReport(report));
  printTable(`the proxy over ${minutes} minutes, median of each quarter of the time`, rows);
  console.log(`descriptors at rest: ${descriptorsBefore} before, ${atRest.descriptorsAfter} after`);
  console.log(
    `lost that could have been saved: ${report.avoidable}; memory and descriptors flat: ${usage.isFlat ? 'yes' : 'no'}`,
  );
  const { causes, repeats, ...account } = report;
  const counts = { causes: Object.fromEntries(causes), repeats: Object.fromEntries(repeats) };
  writeResults(minutes >= 10 ? 'soak' : 'soak.local', { minutes, ...account, ...counts, usage: rows, atRest });
  if (report.avoidable > 0 || !usage.isFlat) process.exitCode = 1;
} finally {
  usage.end();
  await instance.stop();
}

function sleep(durationMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, durationMs));
}
