// Ends a process group for certain: continue it, ask it (SIGTERM), wait, end it (SIGKILL). Resolves once its leader is gone
// and the rest of it was ended (remains.ts waits for that).
import { waitFor, type Clock } from '../src/core/clock.js';
import type { WorkerProcess } from './worker-runtime.js';

export interface StopLadderOptions {
  readonly clock: Clock;
  /** Between SIGTERM and SIGKILL. */
  readonly graceMs: number;
  /** Aborting it cuts the grace short. */
  readonly hurry?: AbortSignal;
}

/** Returns whether the process left when it was asked to. */
export async function stopProcess(worker: WorkerProcess, options: StopLadderOptions): Promise<'left' | 'killed'> {
  const gone = new AbortController();
  const exited = new Promise<void>((resolve) => worker.onExit(() => resolve()));
  worker.onExit(() => gone.abort());
  worker.signalGroup('SIGTERM');
  // A stopped group would keep the signal pending for ever. Continued after the SIGTERM, so that it runs nothing else.
  worker.signalGroup('SIGCONT');
  const cut = options.hurry === undefined ? gone.signal : AbortSignal.any([gone.signal, options.hurry]);
  await waitFor(options.clock, options.graceMs, cut).catch(() => undefined);
  if (gone.signal.aborted) return 'left';
  worker.signalGroup('SIGKILL');
  await exited;
  return 'killed';
}
