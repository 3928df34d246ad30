// What the JavaScript engine does beside and between our own work. Its threads compile and collect in the background: on a machine
// with a free core nobody notices, but where there is none (a validation job has them all, or we are pinned to one) they would
// take turns of milliseconds with the thread that serves requests; so they get a lower priority, which whatever else runs here
// respects too.
//
// Its short collections, during which nothing is served, should be few. The engine makes the space for young objects small where
// nothing goes on, and large again under load once enough objects have survived, which a proxy's do not; and when it has become
// large a full collection follows. So the command (cli.ts) starts Node with --min-semi-space-size=16: its full size always.
// In a space of full size the engine looks out for kinds of objects that mostly survive, to make the next ones in the old
// generation at once. After a quiet spell it finds some that every connection has: then each closed connection stays, with all
// that it refers to, until a full collection. So it is told not to.
import { stat } from 'node:fs/promises';
import { getPriority, setPriority } from 'node:os';
import { setFlagsFromString } from 'node:v8';
import { tryDo } from './core/session-nice.js';
import { threadsOf } from './core/threads.js';

/** Above our own nice: a tenth of the weight of the thread that serves requests (sched(7)). */
const NICER = 10;
const MAX_NICE = 19;
const DEFAULT_POOL_SIZE = 4;

/** Once, early in the life of the process. Where threads have no priorities of their own (not Linux) they keep theirs. */
export async function tuneEngine(): Promise<void> {
  setFlagsFromString('--no-allocation-site-pretenuring');
  // libuv starts its own threads with the first such call, all of them, and so behind the engine's.
  await stat('.').catch(() => undefined);
  // In the order in which they began. The one that serves requests has the pid as its number.
  const others = threadsOf(process.pid)
    .filter((thread) => thread !== process.pid)
    .sort((one, other) => one - other);
  const poolSize = Number(process.env['UV_THREADPOOL_SIZE'] ?? DEFAULT_POOL_SIZE) || DEFAULT_POOL_SIZE;
  const ofEngine = others.slice(0, -poolSize);
  // Short collections by our thread alone: it would wait for helpers who now wait for others.
  if (ofEngine.length > 0) setFlagsFromString('--no-parallel-scavenge');
  const nice = Math.min(getPriority() + NICER, MAX_NICE);
  for (const thread of ofEngine) tryDo(() => setPriority(thread, nice));
}
