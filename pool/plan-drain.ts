// Which worker leaves traffic next, and who must take its place first. Pure; part of the planner. At most one drains at a
// time, never below the floor, and never with a gap that a standby could fill, even if that one has yet to wake.
import type { Shape } from './modes.js';
import { runs } from './modes.js';
import { countRunning, countServing, isRunning, isServing, type ObservedWorker as Worker } from './observed.js';
import {
  floorOf,
  isAsleep,
  isCallable,
  isWilling,
  standInsByBackend,
  startsWanted,
  wishOf,
  type PlanInput,
  type Step,
} from './plan-input.js';

export interface Drain {
  readonly steps: readonly Step[];
  /** A drain is due, but the worker that could take the victim's place has yet to wake. */
  readonly awaitsCover: boolean;
}

const NO_LIMIT = { starts: Infinity, passing: false };
const NO_DRAIN: Drain = { steps: [], awaitsCover: false };

/** At most one drain, or the promotions that must come before it. */
export function planDrain(input: PlanInput): Drain {
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

function isUnwished(input: PlanInput, worker: Worker): boolean {
  return worker.outdated || wishOf(input.shape, worker).role !== 'active';
}

/**
 * First those that serve nobody, then those to be replaced, then others (one that the operator takes out may be covering for
 * those to be replaced), last those that stand in for lost workers.
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

/** Whether it may drain now, the floor aside: as a rule only once nothing that the shape wants is missing. */
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
  // A refusal that passes by itself is waited for: nothing is drained to make room.
  return countRunning(input.workers) >= input.budget || (starts === 0 && !passing);
}

function freesProcess(input: PlanInput, worker: Worker): boolean {
  return isRunning(worker) && drainsTo(input, worker) === 'off';
}

function drainsTo(input: PlanInput, worker: Worker): 'standby' | 'off' {
  return !worker.outdated && runs(wishOf(input.shape, worker)) ? 'standby' : 'off';
}

/**
 * Resting workers that can take the place of one about to leave. One that the operator took out comes back only to cover for a
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

function hasSleeper(input: PlanInput): boolean {
  return input.workers.some((worker) => isAsleep(worker) && isCallable(input, worker));
}

/** A replacement, too, may go below the floor where there is no other way: with a single worker, say (see `floorOf`). */
function floorFor(input: PlanInput, victim: Worker): number {
  return isReplaced(input, victim) ? Math.min(floorOf(input), input.shape.capacity - 1) : floorOf(input);
}
