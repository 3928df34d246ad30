// Ends a process group for certain: continue it, ask it (SIGTERM), wait, end it (SIGKILL). Resolves once its leader is gone
// and the rest of it was ended (remains.ts waits for that), or once it is known that nobody here can end it.
import { waitFor, type Clock } from '../src/core/clock.js';
import { trySignal } from './try-signal.js';
import type { WorkerProcess } from './worker-runtime.js';

export interface StopLadderOptions {
  readonly clock: Clock;
  /** Between SIGTERM and SIGKILL. */
  readonly graceMs: number;
  /** Aborting it cuts the grace short. */
  readonly hurry?: AbortSignal;
}

export type Ending =
  /** When it was asked to, or by itself. */
  | 'left'
  | 'killed'
  /** We may not signal it, so it lives on. */
  | 'refused'
  /** It hangs in a driver or a file system, where the kernel can't end it. */
  | 'undying';

/** Counted from SIGKILL: giving back gigabytes takes the kernel a second or two. */
export const GIVE_UP_AFTER_MS = 10_000;

/**
 * Never rejects. What may not be signalled has its grace as well: it may leave by itself, or come to run as a user of ours
 * (a start script that drops its privileges). It is not waited for any longer, since nothing would end that wait.
 */
export async function stopProcess(worker: WorkerProcess, options: StopLadderOptions): Promise<Ending> {
  const gone = new AbortController();
  worker.onExit(() => gone.abort());
  trySignal(worker, 'SIGTERM');
  // A stopped group would keep the signal pending for ever. Continued after the SIGTERM, so that it runs nothing else.
  trySignal(worker, 'SIGCONT');
  const cut = options.hurry === undefined ? gone.signal : AbortSignal.any([gone.signal, options.hurry]);
  await waitFor(options.clock, options.graceMs, cut).catch(() => undefined);
  if (gone.signal.aborted) return 'left';
  if (trySignal(worker, 'SIGKILL') === 'refused') return 'refused';
  await waitFor(options.clock, GIVE_UP_AFTER_MS, gone.signal).catch(() => undefined);
  return gone.signal.aborted ? 'killed' : 'undying';
}
