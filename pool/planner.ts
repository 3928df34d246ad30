// Decides the next steps from what should be and what is. Pure: no clock, no I/O, no memory; called again after every
// event, so it never has to foresee one. It keeps four promises, whatever the order of events:
// live capacity never falls below the floor by its own action, no more processes than the budget run at once, one
// worker drains at a time, and repeating plan and execution reaches the shape from anywhere (all property-tested).
import type { Shape, Wish } from './modes.js';
import { runs } from './modes.js';
import {
  countRunning,
  countServing,
  isPromotable,
  isRunning,
  isServing,
  type ObservedWorker as Worker,
} from './observed.js';

export type Step =
  /** `mode`: the shape wants it. `deficit`: it stands in for lost capacity. `cover`: for one about to be drained. */
  | { readonly kind: 'promote'; readonly id: string; readonly reason: 'mode' | 'deficit' | 'cover' }
  | { readonly kind: 'stop'; readonly id: string }
  /** A failed worker that nobody wants any more: no process is left, only the memory of the failure. */
  | { readonly kind: 'forget'; readonly id: string }
  | { readonly kind: 'start'; readonly id: string }
  /** From starting to standby, once proven. */
  | { readonly kind: 'rest'; readonly id: string }
  | { readonly kind: 'freeze' | 'thaw' | 'sleep' | 'wake'; readonly id: string }
  | { readonly kind: 'drain'; readonly id: string; readonly next: 'standby' | 'off' };

export interface PlanInput {
  readonly shape: Shape;
  /** In the order of the backends: earlier ones are served first. */
  readonly workers: readonly Worker[];
  /** Most processes at once. */
  readonly budget: number;
  /** Usable workers below which no step of ours may take the pool: the lower one of both modes during a switch. */
  readonly floor: number;
  /** Usable workers that callers count on now: what falls short of it is a deficit. The mode's capacity once it stands. */
  readonly promised: number;
  /** How much room there is for further workers besides the budget. Default: no limit. */
  readonly admission?: { readonly starts: number; readonly passing: boolean } | undefined;
  /** No worker was lost lately: what stands in for lost ones may go back to its rest. */
  readonly steady: boolean;
}

const NO_LIMIT = { starts: Infinity, passing: false };
const NOT_WISHED: Wish = { role: 'off', temperature: 'cold', insist: false };

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
    // Whether somebody else's server answers is not ours to bring about, so nothing waits for it.
    if (wish.role === 'active') return isServing(worker) || (!worker.managed && worker.state !== 'off');
    // It stands in for what the operator took out of traffic.
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

/** Ready without being started; a worker on its way out comes back too, unless its process must be replaced. */
function mayServe(worker: Worker): boolean {
  return !worker.outdated && (isPromotable(worker) || (worker.state === 'draining' && worker.usable));
}

/** Workers that could stand in, by backend; those that the shape keeps for it first. */
function standInsByBackend(input: PlanInput): Worker[][] {
  const byBackend = new Map<string, Worker[]>();
  const rank = (worker: Worker) => (wishOf(input.shape, worker).role === 'standby' ? 0 : 1);
  const candidates = input.workers.filter((worker) => wishOf(input.shape, worker).role !== 'active');
  for (const worker of candidates.filter(mayServe).sort((a, b) => rank(a) - rank(b))) {
    byBackend.set(worker.backend, [...(byBackend.get(worker.backend) ?? []), worker]);
  }
  return [...byBackend.values()];
}

function isWilling(input: PlanInput, worker: Worker): boolean {
  return worker.state !== 'draining' && !wishOf(input.shape, worker).insist;
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

/** A cold standby is needed only while capacity is missing. */
function isNeeded(input: PlanInput, worker: Worker): boolean {
  const wish = wishOf(input.shape, worker);
  if (wish.role === 'standby' && wish.temperature === 'cold') return isShort(input);
  return wish.role !== 'off';
}

function isShort(input: PlanInput): boolean {
  return countServing(input.workers) < input.promised;
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

function startsWanted(input: PlanInput): Worker[] {
  const rank = (worker: Worker) => (wishOf(input.shape, worker).role === 'active' ? 0 : 1);
  return input.workers
    .filter((worker) => (worker.state === 'off' || worker.state === 'failed') && worker.startable)
    .filter((worker) => isNeeded(input, worker))
    .sort((a, b) => rank(a) - rank(b));
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

/** From one temperature to another the way leads over hot: what is stopped, or asleep, can't be told anything else. */
function stepToRest(worker: Worker, wish: Wish): 'freeze' | 'thaw' | 'sleep' | undefined {
  const rest = restOf(worker, wish);
  const now = temperatureOf(worker);
  // Waking is planned apart: not only a rest calls for it.
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

/** A rehearsal ends where it began, so it does not count as a change of shape. */
function isAsleepEnough(worker: Worker, wish: Wish): boolean {
  return worker.rehearsing && restOf(worker, wish) === 'asleep';
}

/**
 * Those that sleep and should serve, rest warmer, or stand in for capacity that is lost or about to be drained: waking
 * takes its time, so it begins now.
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

interface Drain {
  readonly steps: readonly Step[];
  /** One is due, but who could take its place has yet to wake. */
  readonly awaitsCover: boolean;
}

const NO_DRAIN: Drain = { steps: [], awaitsCover: false };

/** At most one drain, or the promotions that must come before it. */
function planDrain(input: PlanInput): Drain {
  if (input.workers.some((worker) => worker.state === 'draining')) return NO_DRAIN;
  const victims = input.workers.filter((worker) => worker.state === 'active' && isUnwished(input, worker));
  for (const victim of victims.sort((a, b) => drainRank(input, a) - drainRank(input, b))) {
    const left = countServing(input.workers) - (isServing(victim) ? 1 : 0);
    if (!isDrainDue(input, victim, left)) continue;
    const covers = isServing(victim) ? coversFor(input, victim, left) : [];
    if (covers.length > 0) return { steps: covers, awaitsCover: false };
    if (isServing(victim) && left < input.promised && hasSleeper(input)) return { steps: [], awaitsCover: true };
    if (isServing(victim) && left < floorFor(input, victim)) continue;
    return { steps: [{ kind: 'drain', id: victim.id, next: drainsTo(input, victim) }], awaitsCover: false };
  }
  return NO_DRAIN;
}

function hasSleeper(input: PlanInput): boolean {
  return input.workers.some((worker) => isAsleep(worker) && isCallable(input, worker));
}

function isAsleep({ state, asleep, outdated }: Worker): boolean {
  return state === 'standby' && asleep && !outdated;
}

/** Kept to stand in for others, and not taken out of traffic by the operator. */
function isCallable(input: PlanInput, worker: Worker): boolean {
  const { role, insist } = wishOf(input.shape, worker);
  return role === 'standby' && !insist;
}

function isUnwished(input: PlanInput, worker: Worker): boolean {
  return worker.outdated || wishOf(input.shape, worker).role !== 'active';
}

/**
 * Those that serve nobody first; those to be replaced before those that the operator takes out, who may be covering
 * for them; those that stand in for others last.
 */
function drainRank(input: PlanInput, worker: Worker): number {
  if (!isServing(worker)) return 0;
  if (isReplaced(input, worker)) return 1;
  return isStandIn(input, worker) ? 3 : 2;
}

/** It serves again as soon as its new process does. */
function isReplaced(input: PlanInput, worker: Worker): boolean {
  return worker.outdated && wishOf(input.shape, worker).role === 'active';
}

function isStandIn(input: PlanInput, worker: Worker): boolean {
  return isCallable(input, worker) && !worker.outdated;
}

/** Whether the time has come, floor aside: normally only once nothing that the shape wants is still missing. */
function isDrainDue(input: PlanInput, victim: Worker, left: number): boolean {
  const { shape, workers } = input;
  const complete = !workers.some((worker) => worker.id !== victim.id && isMissing(shape, worker));
  if (isStandIn(input, victim)) {
    const rolling = workers.some((worker) => worker.outdated);
    if (complete && input.steady && !rolling && left >= shape.capacity) return true;
    return freesProcess(input, victim) && isOutOfRoom(input) && left >= input.floor;
  }
  if (!isServing(victim)) return true;
  const { role, insist } = wishOf(shape, victim);
  if (role === 'active') return complete;
  if (insist) return true;
  return (complete && left >= shape.capacity) || (freesProcess(input, victim) && isOutOfRoom(input));
}

/** The shape wants it in traffic, it is not there, and waiting for it makes sense. */
function isMissing(shape: Shape, worker: Worker): boolean {
  return wishOf(shape, worker).role === 'active' && !isServing(worker) && !worker.givenUp && worker.managed;
}

function isOutOfRoom(input: PlanInput): boolean {
  const blocked = startsWanted(input).some((worker) => worker.managed);
  if (!blocked) return false;
  const { starts, passing } = input.admission ?? NO_LIMIT;
  // What passes by itself is waited for; nothing is drained for it.
  return countRunning(input.workers) >= input.budget || (starts === 0 && !passing);
}

function freesProcess(input: PlanInput, worker: Worker): boolean {
  return isRunning(worker) && drainsTo(input, worker) === 'off';
}

function drainsTo(input: PlanInput, worker: Worker): 'standby' | 'off' {
  return !worker.outdated && runs(wishOf(input.shape, worker)) ? 'standby' : 'off';
}

/**
 * Resting workers that can take the place of one about to leave. What the operator took out comes back for a
 * replacement, which ends by itself, and only if the floor leaves no other way.
 */
function coversFor(input: PlanInput, victim: Worker, left: number): Step[] {
  if (left >= input.promised) return [];
  const drafts = isReplaced(input, victim) && left < floorFor(input, victim);
  const mayCover = (worker: Worker) => isWilling(input, worker) || (drafts && worker.state === 'standby');
  const [first] = standInsByBackend(input)
    .map((workers) => workers.filter(mayCover))
    .filter((workers) => workers.length > 0);
  return (first ?? []).map(({ id }) => ({ kind: 'promote', id, reason: 'cover' }));
}

/**
 * The floor must leave room for the change itself: with a budget of one process, the choice is between a gap (the
 * waiting room holds the requests) and never changing at all.
 */
function floorOf(input: PlanInput): number {
  const unmanaged = input.workers.filter((worker) => !worker.managed && isServing(worker)).length;
  return Math.min(input.floor, Math.max(0, input.budget - 1) + unmanaged);
}

/** The same choice when the only worker is replaced. */
function floorFor(input: PlanInput, victim: Worker): number {
  return isReplaced(input, victim) ? Math.min(floorOf(input), input.shape.capacity - 1) : floorOf(input);
}

function wishOf(shape: Shape, worker: Worker): Wish {
  const wish = shape.wishes.get(worker.id) ?? NOT_WISHED;
  return worker.sleepless && wish.temperature === 'asleep' ? { ...wish, temperature: 'cold' } : wish;
}
