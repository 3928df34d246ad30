// When a failed worker starts again, and when it is left alone. Pure: history, time and chance in, verdict out.
import { jittered, type Random } from '../src/core/random.js';
import type { RestartOptions } from './options.js';

/** Failures in a row since the worker last served steadily. */
export interface RestartHistory {
  readonly failures: number;
}

export type RestartVerdict =
  | { readonly kind: 'retry'; readonly delayMs: number; readonly history: RestartHistory }
  | { readonly kind: 'crash-loop'; readonly history: RestartHistory };

export const noFailures: RestartHistory = { failures: 0 };

/** `servedMs` is how long the process that just failed had been serving; 0 when it never got ready. */
export function judgeFailure(
  history: RestartHistory,
  failure: { readonly servedMs: number },
  context: { readonly options: RestartOptions; readonly random: Random },
): RestartVerdict {
  const { options, random } = context;
  const failures = (failure.servedMs >= options.steadyAfterMs ? 0 : history.failures) + 1;
  if (failures >= options.crashLoopLimit) return { kind: 'crash-loop', history: { failures } };
  // Doubling with jitter, so that workers which fell together don't load their models together for ever.
  const backoffMs = Math.min(options.initialBackoffMs * 2 ** (failures - 1), options.maxBackoffMs);
  return { kind: 'retry', delayMs: jittered(backoffMs, options.jitter, random), history: { failures } };
}
