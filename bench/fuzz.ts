// Differential fuzzing at length: hostile requests and responses through the proxy, judged by a strict backend and by
// llhttp (test/support/fuzz-arena.ts). `--messages N` (100000), `--seed S`, `--lane auto|full`. Ends with 1 at the first
// difference, which it prints shrunk, with the seed that repeats it.

import fc from 'fast-check';
import { parseArgs } from 'node:util';
import { FuzzArena } from '../test/support/fuzz-arena.js';
import { hostileRequests } from '../test/support/hostile-requests.js';
import { hostileResponse } from '../test/support/hostile-responses.js';

const { values } = parseArgs({
  options: {
    messages: { type: 'string', default: '100000' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    lane: { type: 'string', default: 'auto' },
  },
});
const lane = values.lane === 'full' ? 'full' : 'auto';
const numRuns = Math.ceil(Number(values.messages) / 2);
/** What takes this long hangs. */
const HANGS_MS = 5_000;
const parameters = { seed: Number(values.seed), numRuns, timeout: HANGS_MS };

const arena = await FuzzArena.open(lane);
const startedAt = performance.now();
try {
  await fc.assert(
    fc.asyncProperty(hostileRequests, (message) => arena.tryRequests(message)),
    parameters,
  );
  await fc.assert(
    fc.asyncProperty(hostileResponse, (message) => arena.tryResponse(message)),
    parameters,
  );
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(0);
  console.log(
    `lane ${lane}, seed ${parameters.seed}: ${2 * numRuns} messages in ${seconds} s, no difference`,
    arena.tally,
  );
} catch (error) {
  console.error(error instanceof Error ? `${error.message}\n${String(error.cause)}` : error);
  process.exitCode = 1;
} finally {
  await arena.close();
}
