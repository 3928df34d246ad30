// Plays a plan through to its end as if every step succeeded: what a dry run prints, and how a switch that can't be
// done is refused before anything is touched. Pure.
import { countRunning, countServing, isRunning, isServing, type ObservedWorker } from './observed.js';
import type { PlanInput, Step } from './plan-input.js';
import { isConverged, planSteps } from './planner.js';

export interface Forecast {
  readonly steps: readonly Step[];
  /** Processes of ours. */
  readonly processes: { readonly before: number; readonly peak: number; readonly after: number };
  /** Those processes, by worker. */
  readonly running: {
    readonly before: readonly string[];
    readonly peak: readonly string[];
    readonly after: readonly string[];
  };
  /** Those in traffic at its end. */
  readonly serving: readonly string[];
  /** Fewest usable workers on the way. */
  readonly leastServing: number;
  /** False when the plan gets stuck short of the shape: no room in the budget. */
  readonly reachable: boolean;
}

/** More rounds than any plan needs: each of a worker's few moves happens at most twice on the way. */
const ROUNDS_PER_WORKER = 12;

export function forecastSwitch(input: PlanInput): Forecast {
  const steps: Step[] = [];
  let workers: readonly ObservedWorker[] = input.workers.map(asIfWell);
  const before = runningIds(workers);
  let peak = before;
  let leastServing = countServing(workers);
  for (let round = 0; round < workers.length * ROUNDS_PER_WORKER; round++) {
    // Until no step is left, not only until the shape is reached: a worker that the operator takes out may still serve then.
    const planned = planSteps({ ...input, workers, steady: true, admission: undefined });
    if (planned.length === 0 && !workers.some(isUnderWay)) break;
    steps.push(...planned);
    workers = workers.map((worker) => planned.filter((step) => step.id === worker.id).reduce(afterStep, worker));
    if (countRunning(workers) > peak.length) peak = runningIds(workers);
    leastServing = Math.min(leastServing, countServing(workers));
    workers = workers.map(settled);
  }
  const reachable = isConverged({ shape: input.shape, workers });
  const after = runningIds(workers);
  const processes = { before: before.length, peak: peak.length, after: after.length };
  const serving = workers.filter(isServing).map((worker) => worker.id);
  return { steps, processes, running: { before, peak, after }, serving, leastServing, reachable };
}

function runningIds(workers: readonly ObservedWorker[]): readonly string[] {
  return workers.filter(isRunning).map((worker) => worker.id);
}

/** A forecast takes every step to succeed: a worker that is failing now counts as one that can start. */
function asIfWell(worker: ObservedWorker): ObservedWorker {
  const startable = worker.state === 'off' || worker.state === 'failed';
  return { ...worker, startable, givenUp: false, unfit: false, usable: worker.state === 'active' };
}

function isUnderWay({ state, ready }: ObservedWorker): boolean {
  return state === 'draining' || state === 'stopping' || (state === 'starting' && !ready);
}

/** What an observer sees right after a step began. */
function afterStep(worker: ObservedWorker, step: Step): ObservedWorker {
  const { kind } = step;
  switch (kind) {
    case 'promote':
      return { ...worker, state: 'active', usable: true, frozen: false };
    case 'start':
      return { ...worker, state: 'starting', ready: false, outdated: false };
    case 'rest':
      return { ...worker, state: 'standby', frozen: false };
    case 'freeze':
    case 'thaw':
      return { ...worker, frozen: kind === 'freeze' };
    case 'sleep':
    case 'wake':
      return { ...worker, asleep: kind === 'sleep' };
    case 'drain':
      return { ...worker, state: 'draining', ready: step.next === 'standby' };
    case 'stop':
      return { ...worker, state: 'stopping', ready: false };
    case 'forget':
      return { ...worker, state: 'off' };
  }
}

/** What an observer sees once everything under way has ended well. */
function settled(worker: ObservedWorker): ObservedWorker {
  if (worker.state === 'starting') return { ...worker, ready: true };
  if (worker.state === 'draining' && worker.ready) return { ...worker, state: 'standby', ready: false, usable: false };
  const ended = worker.state === 'draining' || worker.state === 'stopping';
  return ended ? { ...worker, state: 'off', startable: true, outdated: false, usable: false } : worker;
}
