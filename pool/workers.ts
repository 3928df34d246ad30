// All workers that any mode may want, in the order of the backends: the planner's tables rely on that order.
import { shapeOf } from './modes.js';
import type { ObservedWorker } from './observed.js';
import type { PoolOptions } from './options.js';
import type { WorkerProcess } from './worker-runtime.js';
import { processOf } from './worker-state.js';
import { Worker, type WorkerDeps } from './worker.js';

export function createWorkers(options: PoolOptions, deps: WorkerDeps): Worker[] {
  const shapes = Object.keys(options.modes).map((name) => shapeOf(options, name));
  return options.backends.flatMap((backend) => {
    const ids = new Set(shapes.flatMap((shape) => [...shape.wishes.keys()]));
    const count = [...ids].filter((id) => id.startsWith(`${backend.name}/`)).length;
    return Array.from({ length: count }, (_, index) => new Worker(backend, index + 1, deps));
  });
}

/** The workers that have a process of ours. */
export function processesOfWorkers(
  workers: readonly Worker[],
): { readonly id: string; readonly process: WorkerProcess }[] {
  return workers.flatMap(({ id, state }) => {
    const process = processOf(state);
    return process?.pid === undefined ? [] : [{ id, process }];
  });
}

/** What the planner needs to know of a worker, at this moment. */
export function observeWorker(worker: Worker, nowMs: number): ObservedWorker {
  const { id, state, ready, usable, outdated, managed } = worker;
  const standby = state.kind === 'standby' ? state : undefined;
  const failed = state.kind === 'failed' ? state : undefined;
  return {
    id,
    backend: worker.backend.name,
    state: state.kind,
    ready,
    usable,
    frozen: standby?.temperature === 'frozen',
    asleep: standby?.temperature === 'asleep',
    changing: standby?.hook !== undefined,
    rehearsing: standby?.rehearsal === true,
    sleepless: worker.sleepless,
    startable: state.kind === 'off' || (failed?.retryAtMs !== undefined && failed.retryAtMs <= nowMs),
    givenUp: failed !== undefined && failed.retryAtMs === undefined,
    outdated,
    managed,
  };
}
