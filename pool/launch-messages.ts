// What is said between the pool and its launcher, over the channel that node gives a forked child. Every launch and every
// program to be run has a key; the answers carry it.
import type { RunResult } from './resources/run-with-deadline.js';
import type { ExitReport, LaunchSpec } from './worker-runtime.js';

export type LauncherOrder =
  | { readonly kind: 'launch'; readonly key: number; readonly spec: LaunchSpec }
  /** Nobody waits for these launches any more: what came of them is ended. */
  | { readonly kind: 'discard'; readonly keys: readonly number[] }
  /** A program of a moment, of which only the result is wanted. */
  | { readonly kind: 'run'; readonly key: number; readonly command: readonly string[]; readonly deadlineMs: number };

export type LauncherNews =
  /** Without a pid the program could not be run: the end that follows says why. */
  | { readonly kind: 'launched'; readonly key: number; readonly pid?: number }
  | { readonly kind: 'ended'; readonly key: number; readonly report: ExitReport }
  /** It was not even tried, in words. */
  | { readonly kind: 'refused'; readonly key: number; readonly reason: string }
  | { readonly kind: 'ran'; readonly key: number; readonly result: RunResult };
