// What a plan is made of, and what more than one of its parts asks of the workers. Pure.
import type { Shape, Wish } from './modes.js';
import { countServing, isPromotable, isServing, type ObservedWorker as Worker } from './observed.js';

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

const NOT_WISHED: Wish = { role: 'off', temperature: 'cold', insist: false };

export function wishOf(shape: Shape, worker: Pick<Worker, 'id' | 'sleepless'>): Wish {
  const wish = shape.wishes.get(worker.id) ?? NOT_WISHED;
  return worker.sleepless && wish.temperature === 'asleep' ? { ...wish, temperature: 'cold' } : wish;
}

/** Ready without being started; a worker on its way out comes back too, unless its process must be replaced. */
export function mayServe(worker: Worker): boolean {
  return !worker.outdated && (isPromotable(worker) || (worker.state === 'draining' && worker.usable));
}

/** Workers that could stand in, by backend; those that the shape keeps for it first. */
export function standInsByBackend(input: PlanInput): Worker[][] {
  const byBackend = new Map<string, Worker[]>();
  const rank = (worker: Worker) => (wishOf(input.shape, worker).role === 'standby' ? 0 : 1);
  const candidates = input.workers.filter((worker) => wishOf(input.shape, worker).role !== 'active');
  for (const worker of candidates.filter(mayServe).sort((a, b) => rank(a) - rank(b))) {
    byBackend.set(worker.backend, [...(byBackend.get(worker.backend) ?? []), worker]);
  }
  return [...byBackend.values()];
}

export function isWilling(input: PlanInput, worker: Worker): boolean {
  return worker.state !== 'draining' && !wishOf(input.shape, worker).insist;
}

/** Kept to stand in for others, and not taken out of traffic by the operator. */
export function isCallable(input: PlanInput, worker: Worker): boolean {
  const { role, insist } = wishOf(input.shape, worker);
  return role === 'standby' && !insist;
}

export function isAsleep({ state, asleep, outdated }: Worker): boolean {
  return state === 'standby' && asleep && !outdated;
}

/** A cold standby is needed only while capacity is missing. */
export function isNeeded(input: PlanInput, worker: Worker): boolean {
  const wish = wishOf(input.shape, worker);
  if (wish.role === 'standby' && wish.temperature === 'cold') return isShort(input);
  return wish.role !== 'off';
}

function isShort(input: PlanInput): boolean {
  return countServing(input.workers) < input.promised;
}

export function startsWanted(input: PlanInput): Worker[] {
  const rank = (worker: Worker) => (wishOf(input.shape, worker).role === 'active' ? 0 : 1);
  return input.workers
    .filter((worker) => (worker.state === 'off' || worker.state === 'failed') && worker.startable)
    .filter((worker) => isNeeded(input, worker))
    .sort((a, b) => rank(a) - rank(b));
}

/**
 * The floor must leave room for the change itself: with a budget of one process, the choice is between a gap (the
 * waiting room holds the requests) and never changing at all.
 */
export function floorOf(input: PlanInput): number {
  const unmanaged = input.workers.filter((worker) => !worker.managed && isServing(worker)).length;
  return Math.min(input.floor, Math.max(0, input.budget - 1) + unmanaged);
}
