// Decides the next steps from what should be and what is. Pure: no clock, no I/O, no memory; called again after every
// event, so it never has to foresee one. It keeps four promises, whatever the order of events:
// live capacity never falls below the floor by its own action, no more processes than the budget run at once, one
// worker drains at a time, and repeating plan and execution reaches the shape from anywhere (all property-tested).
import type { Wish } from './modes.js';
import { runs } from './modes.js';
import { countRunning, countServing, isServing, type ObservedWorker as Worker } from './observed.js';
import { planDrain, type Drain } from './plan-drain.js';
import {
  floorOf,
  isAsleep,
  isCallable,
  isNeeded,
  isWilling,
  mayServe,
  standInsByBackend,
  startsWanted,
  wishOf,
  type PlanInput,
  type Step,
} from './plan-input.js';

/**
 * Steps that may all be taken now, in this order. Promotions come alone: they must reach traffic before anything that
 * takes longer, and the rest is planned on what they lead to.
 */
export function planSteps(input: PlanInput): readonly Step[] {
  const promotions = planPromotions(input);
  if (promotions.length > 0) return promotions;
  const drain = planDrain(input);
  const covering = new Set(drain.steps.map(({ id }) => id));
  const rests = planRests(input).filter(({ id }) => !covering.has(id));
  return [...planStops(input), ...planStarts(input), ...rests, ...planWakes(input, drain), ...drain.steps];
}

/** Every wish is fulfilled, and nothing runs that is not wished for. */
export function isConverged({ shape, workers }: Pick<PlanInput, 'shape' | 'workers'>): boolean {
  return workers.every((worker) => {
    const wish = wishOf(shape, worker);
    if (worker.outdated) return false;
    // We can't make somebody else's server answer, so nothing waits for it.
    if (wish.role === 'active') return isServing(worker) || (!worker.managed && worker.state !== 'off');
    // A stand-in for what the operator took out of traffic.
    if (isServing(worker)) return countServing(workers) <= shape.capacity;
    if (!runs(wish)) return worker.state === 'off';
    if (!worker.managed) return worker.state !== 'off' && worker.state !== 'active';
    const rests = isAsleepEnough(worker, wish) || (!worker.changing && temperatureOf(worker) === restOf(worker, wish));
    return worker.state === 'standby' && rests;
  });
}

function planPromotions(input: PlanInput): Step[] {
  const wished = input.workers.filter((worker) => wishOf(input.shape, worker).role === 'active' && mayServe(worker));
  const steps: Step[] = wished.map(({ id }) => ({ kind: 'promote', id, reason: 'mode' }));
  const serving = countServing(input.workers) + wished.length;
  let missing = input.promised - serving;
  let belowFloor = floorOf(input) - serving;
  for (const standIns of standInsByBackend(input)) {
    // What was drained on purpose comes back only when the pool would otherwise lie below its floor.
    const willing = standIns.filter((worker) => (isWilling(input, worker) ? missing > 0 : belowFloor > 0));
    // The whole backend: its workers rest together, and half a backend would be promoted a turn later anyway.
    for (const { id } of willing) steps.push({ kind: 'promote', id, reason: 'deficit' });
    missing -= willing.length;
    belowFloor -= willing.length;
  }
  return steps;
}

function planStops(input: PlanInput): Step[] {
  const steps: Step[] = [];
  for (const worker of input.workers) {
    const { id, state } = worker;
    const unwanted = !isNeeded(input, worker);
    if (state === 'failed' && unwanted) steps.push({ kind: 'forget', id });
    if ((state === 'starting' || state === 'standby') && (unwanted || worker.outdated))
      steps.push({ kind: 'stop', id });
  }
  return steps;
}

function planStarts(input: PlanInput): Step[] {
  const wanted = startsWanted(input);
  if (wanted.length === 0) return [];
  let room = Math.min(input.budget - countRunning(input.workers), input.admission?.starts ?? Infinity);
  const steps: Step[] = [];
  for (const { id, managed } of wanted) {
    if (managed && room <= 0) continue;
    if (managed) room--;
    steps.push({ kind: 'start', id });
  }
  return steps;
}

/** Whether a process would be started now if there were room for it. */
export function wantsStart(input: PlanInput): boolean {
  return startsWanted(input).some((worker) => worker.managed);
}

function planRests(input: PlanInput): Step[] {
  const steps: Step[] = [];
  for (const worker of input.workers) {
    const wish = wishOf(input.shape, worker);
    if (wish.role !== 'standby' || worker.outdated || !isNeeded(input, worker)) continue;
    const { id } = worker;
    if (worker.state === 'starting' && worker.ready) steps.push({ kind: 'rest', id });
    const kind = worker.state === 'standby' ? stepToRest(worker, wish) : undefined;
    if (kind !== undefined) steps.push({ kind, id });
  }
  return steps;
}

type Rest = 'hot' | 'frozen' | 'asleep';

/** Every way between two temperatures leads over hot: a worker that is stopped or asleep can only be continued or woken. */
function stepToRest(worker: Worker, wish: Wish): 'freeze' | 'thaw' | 'sleep' | undefined {
  const rest = restOf(worker, wish);
  const now = temperatureOf(worker);
  // Waking has a plan of its own, since there are other reasons for it.
  if (now === rest || now === 'asleep') return undefined;
  if (now === 'frozen') return 'thaw';
  return rest === 'frozen' ? 'freeze' : 'sleep';
}

function temperatureOf({ frozen, asleep }: Worker): Rest {
  if (asleep) return 'asleep';
  return frozen ? 'frozen' : 'hot';
}

/** Nobody can freeze what somebody else runs. */
function restOf(worker: Worker, { temperature }: Wish): Rest {
  return worker.managed && (temperature === 'frozen' || temperature === 'asleep') ? temperature : 'hot';
}

/** A rehearsal puts the worker back to sleep, so the pool counts as converged meanwhile. */
function isAsleepEnough(worker: Worker, wish: Wish): boolean {
  return worker.rehearsing && restOf(worker, wish) === 'asleep';
}

/**
 * Wakes sleepers that should serve, that should rest warmer, or that must stand in for capacity that is lost or about to be
 * drained. Waking takes its time, so it begins now.
 */
function planWakes(input: PlanInput, { awaitsCover }: Drain): Step[] {
  const sleeping = input.workers.filter(isAsleep);
  const rousable = sleeping.filter((worker) => !worker.changing);
  const waking = sleeping.length - rousable.length;
  const staying = countServing(input.workers) - (awaitsCover ? 1 : 0);
  let missing = input.promised - staying - waking;
  const steps: Step[] = [];
  for (const worker of rousable) {
    const wish = wishOf(input.shape, worker);
    const unrested = wish.role === 'standby' && restOf(worker, wish) !== 'asleep';
    const called = missing > 0 && isCallable(input, worker);
    if (!(wish.role === 'active' || unrested || called)) continue;
    steps.push({ kind: 'wake', id: worker.id });
    missing--;
  }
  return steps;
}
