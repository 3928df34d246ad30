// What is said between the pool and its launcher, over the channel that node gives a forked child. Every launch has a
// key; its answers carry it.
import type { ExitReport, LaunchSpec } from './worker-runtime.js';

export type LauncherOrder =
  | { readonly kind: 'launch'; readonly key: number; readonly spec: LaunchSpec }
  /** Nobody waits for these launches any more: what came of them is ended. */
  | { readonly kind: 'discard'; readonly keys: readonly number[] };

export type LauncherNews =
  /** Without a pid the program could not be run: the end that follows says why. */
  | { readonly kind: 'launched'; readonly key: number; readonly pid?: number }
  | { readonly kind: 'ended'; readonly key: number; readonly report: ExitReport }
  /** It was not even tried, in words. */
  | { readonly kind: 'refused'; readonly key: number; readonly reason: string };
