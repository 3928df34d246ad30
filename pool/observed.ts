// What the planner sees of a worker, and the few questions that it asks about all of them. Pure values.
import type { WorkerStateKind } from './worker-state.js';

export interface ObservedWorker {
  /** `<backend>/<number>`. */
  readonly id: string;
  readonly backend: string;
  readonly state: WorkerStateKind;
  /** Starting: it has proved that it answers. */
  readonly ready: boolean;
  /** Active or draining: a request sent to it now would be answered, as far as anybody knows. */
  readonly usable: boolean;
  /** By its last probe it does not answer, or by its own word it takes no requests: nobody is helped by its promotion. */
  readonly unfit: boolean;
  /** Standby: whether its process group is stopped. */
  readonly frozen: boolean;
  /** Standby: its application sleeps, falls asleep or is waking: no request may be sent to it. */
  readonly asleep: boolean;
  /** A hook is under way; what it is asked meanwhile must wait. */
  readonly changing: boolean;
  /** Awake, or waking, only to show that it wakes. */
  readonly rehearsing: boolean;
  /** It could not be put to sleep: it rests cold instead. */
  readonly sleepless: boolean;
  /** Off or failed: nothing stands against a start now (no backoff, not given up, nobody in its place). */
  readonly startable: boolean;
  /** Failed for good, until somebody acts. */
  readonly givenUp: boolean;
  /** Its process must be replaced: a restart was asked for, its command changed, or it is wedged. */
  readonly outdated: boolean;
  /** False for a backend that somebody else runs: it costs no process. */
  readonly managed: boolean;
}

export function isRunning(worker: ObservedWorker): boolean {
  return worker.managed && worker.state !== 'off' && worker.state !== 'failed';
}

export function isServing(worker: ObservedWorker): boolean {
  return worker.state === 'active' && worker.usable;
}

/** It could take traffic in this turn, without being started first. */
export function isPromotable(worker: ObservedWorker): boolean {
  const { state, unfit, asleep, ready } = worker;
  return (state === 'standby' && !unfit && !asleep) || (state === 'starting' && ready);
}

export function countServing(workers: readonly ObservedWorker[]): number {
  return workers.filter(isServing).length;
}

export function countRunning(workers: readonly ObservedWorker[]): number {
  return workers.filter(isRunning).length;
}
