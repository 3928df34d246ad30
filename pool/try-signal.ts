// A signal from where nobody could catch an error: a process that we may not signal, since it runs as another user (through
// sudo, say), is told as a refusal.
import type { WorkerProcess } from './worker-runtime.js';

export type SignalOutcome =
  | 'sent'
  /** No process of the group is left. */
  | 'gone'
  | 'refused';

/** Never throws. */
export function trySignal(
  target: Pick<WorkerProcess, 'signalGroup'>,
  signal: Parameters<WorkerProcess['signalGroup']>[0],
): SignalOutcome {
  try {
    return target.signalGroup(signal) ? 'sent' : 'gone';
  } catch {
    return 'refused';
  }
}
