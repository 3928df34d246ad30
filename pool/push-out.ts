// Has the memory of a worker that freezes pushed out, where the mode asks for it, and tells what came of it. Only a try: a
// standby whose memory stays is as good a standby.
import type { Why } from './why.js';
import type { Worker, WorkerMove } from './worker.js';
import type { WorkerRuntime } from './worker-runtime.js';

export interface PushOutDeps {
  readonly runtime: Pick<WorkerRuntime, 'pushOut'>;
  readonly onDone: (worker: Worker, why: Why) => void;
}

const MIB = 1024 ** 2;

/** Gives up as soon as the worker leaves the state that it was frozen in. */
export async function pushOut({ worker, to: frozen }: WorkerMove, { runtime, onDone }: PushOutDeps): Promise<void> {
  if (frozen.kind !== 'standby' || frozen.temperature !== 'frozen' || worker.state !== frozen) return;
  const result = await runtime.pushOut(frozen.process, () => worker.state === frozen);
  if ('refused' in result) {
    return onDone(worker, { cause: 'its memory could not be pushed out', evidence: result.refused });
  }
  const [before, after] = [result.beforeBytes, result.afterBytes].map((bytes) => Math.round(bytes / MIB));
  const rule = 'a frozen standby leaves its memory to the job, and fetches it back when it is called';
  onDone(worker, { cause: 'its memory was pushed out', evidence: `${before} MiB before, ${after} MiB after`, rule });
}
