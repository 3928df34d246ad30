// The life of a worker as data: seven states, the facts that hold in each, and the table of allowed moves. Pure.
// Only worker.ts moves a worker, and only along this table.
import type { UnderstudyError } from '../src/core/errors.js';
import type { WorkerProcess } from './worker-runtime.js';

export type WorkerState =
  | { readonly kind: 'off' }
  /** No process yet while its port is being looked at. */
  | { readonly kind: 'starting'; readonly process?: WorkerProcess }
  | { readonly kind: 'active'; readonly process: WorkerProcess }
  | StandbyState
  | { readonly kind: 'draining'; readonly process: WorkerProcess; readonly next: 'standby' | 'off' }
  /** With a `failure` it ends in `failed`, else in `off`. */
  | { readonly kind: 'stopping'; readonly process: WorkerProcess; readonly failure?: UnderstudyError }
  /** Without `retryAtMs` it is left alone until somebody acts. */
  | { readonly kind: 'failed'; readonly error: UnderstudyError; readonly retryAtMs?: number };

export interface StandbyState {
  readonly kind: 'standby';
  readonly process: WorkerProcess;
  readonly temperature: 'hot' | 'frozen' | 'asleep';
  /** Asleep: the hook that is under way, so that it is not quite asleep yet, or not any more. */
  readonly hook?: 'demote' | 'promote';
  /** Woken only to show that it wakes; it goes back to sleep unless it is needed. */
  readonly rehearsal?: boolean;
}

export type WorkerStateKind = WorkerState['kind'];

const MOVES = {
  // Adopted, it begins where the Understudy before us left it.
  off: ['starting', 'active', 'standby'],
  starting: ['starting', 'active', 'standby', 'stopping', 'failed', 'off'],
  active: ['draining', 'stopping', 'failed'],
  standby: ['standby', 'active', 'stopping', 'failed'],
  draining: ['active', 'standby', 'stopping', 'failed', 'off'],
  stopping: ['off', 'failed'],
  failed: ['failed', 'starting', 'off'],
} as const satisfies Record<WorkerStateKind, readonly WorkerStateKind[]>;

export function mayMove(from: WorkerStateKind, to: WorkerStateKind): boolean {
  const allowed: readonly WorkerStateKind[] = MOVES[from];
  return allowed.includes(to);
}

/** How cold a standby is; undefined while a hook is under way, when it is neither. */
export function temperatureOf(state: WorkerState): StandbyState['temperature'] | undefined {
  return state.kind === 'standby' && state.hook === undefined ? state.temperature : undefined;
}

/** The process of a state that has one. */
export function processOf(state: WorkerState): WorkerProcess | undefined {
  return 'process' in state ? state.process : undefined;
}
