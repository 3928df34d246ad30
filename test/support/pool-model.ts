// A model of a pool for property tests: carries out planned steps with outcomes that chance decides, and checks the
// planner's promises at every step. No process, no time: a turn of the model is one event.
import { budgetOf, shapeOf, type Shape } from '../../pool/modes.js';
import { countRunning, countServing, type ObservedWorker } from '../../pool/observed.js';
import type { PoolOptions } from '../../pool/options.js';
import type { PlanInput, Step } from '../../pool/plan-input.js';
import { isConverged, planSteps } from '../../pool/planner.js';

/** What may happen to the pool from outside. `pick` chooses among the workers that it can happen to. */
export interface ModelEvent {
  readonly kind:
    | 'exit'
    | 'hook-done'
    | 'hook-fails'
    | 'rehearsed'
    | 'start-fails'
    | 'becomes-ready'
    | 'drained'
    | 'stopped'
    | 'unusable'
    | 'usable'
    | 'mode'
    | 'restart'
    | 'steady';
  readonly pick: number;
}

export class PoolModel {
  workers: ObservedWorker[];
  #target: Shape;
  #standing: Shape;
  #steady = true;
  readonly #options: PoolOptions;
  readonly #budget: number;

  constructor(options: PoolOptions, workers: readonly ObservedWorker[], mode: string) {
    this.#options = options;
    this.#budget = budgetOf(options);
    this.workers = [...workers];
    this.#target = this.#standing = shapeOf(options, mode);
  }

  get converged(): boolean {
    return isConverged({ shape: this.#target, workers: this.workers });
  }

  /** Something happens; then the planner is asked and obeyed until it has nothing more to do. */
  handle(event: ModelEvent): void {
    this.#happen(event);
    this.#obey();
  }

  /** Everything under way ends well, and nothing else happens. Returns the rounds until the shape stands. */
  settle(maxRounds: number): number {
    this.#steady = true;
    this.#obey();
    for (let round = 0; round < maxRounds; round++) {
      if (this.converged) return round;
      this.workers = this.workers.map(endedWell);
      this.#obey();
    }
    return maxRounds;
  }

  #obey(): void {
    for (let round = 0; round < 50; round++) {
      const input = this.#input();
      const steps = planSteps(input);
      if (steps.length === 0) {
        if (this.converged) this.#standing = this.#target;
        return;
      }
      for (const step of steps) this.#take(step, input);
    }
    throw new Error('the plan does not come to an end');
  }

  #input(): PlanInput {
    const { workers } = this;
    const floor = Math.min(this.#standing.floor, this.#target.floor);
    const promised = Math.min(this.#standing.capacity, this.#target.capacity);
    return { shape: this.#target, workers, budget: this.#budget, floor, promised, steady: this.#steady };
  }

  #take(step: Step, input: PlanInput): void {
    const before = this.workers;
    const index = before.findIndex((worker) => worker.id === step.id);
    this.workers = before.with(index, taken(before[index]!, step));
    this.#check(step, before, input);
  }

  #check(step: Step, before: readonly ObservedWorker[], input: PlanInput): void {
    const fail = (what: string) => {
      throw new Error(`${what} by ${JSON.stringify(step)} in ${JSON.stringify(before)}`);
    };
    if (countServing(this.workers) < countServing(before)) {
      // A restart of the only worker has no floor to keep.
      const floor = Math.min(input.floor, input.shape.capacity - 1, this.#budget - 1);
      if (countServing(this.workers) < floor) fail('the floor was broken');
    }
    const grown = countRunning(this.workers) > countRunning(before);
    if (grown && countRunning(this.workers) > this.#budget) fail('the budget was exceeded');
    if (this.workers.filter((worker) => worker.state === 'draining').length > 1 && step.kind === 'drain') {
      fail('two workers were drained at once');
    }
    const canCover = ({ id, state, outdated, asleep }: ObservedWorker) =>
      id !== step.id && state === 'standby' && !outdated && (!asleep || isKeptFor(id, input.shape));
    if (step.kind === 'drain' && input.workers.some(canCover)) {
      const left = countServing(this.workers);
      if (left < input.promised && countServing(before) > left) fail('a drain left a deficit beside a standby');
    }
  }

  #happen({ kind, pick }: ModelEvent): void {
    if (kind === 'mode') {
      const names = Object.keys(this.#options.modes);
      this.#target = shapeOf(this.#options, names[pick % names.length]!);
      return;
    }
    if (kind === 'steady') {
      this.#steady = pick % 2 === 0;
      return;
    }
    const change = CHANGES[kind];
    const able = this.workers.filter((worker) => change(worker) !== undefined);
    const worker = able[pick % Math.max(1, able.length)];
    if (worker !== undefined) this.workers = this.workers.map((other) => (other === worker ? change(worker)! : other));
  }
}

/** A sleeper is worth waking if the shape keeps it to stand in; one that is only left over is stopped. */
function isKeptFor(id: string, shape: Shape): boolean {
  const wish = shape.wishes.get(id);
  return wish?.role === 'standby' && wish.temperature !== 'cold' && !wish.insist;
}

type Change = (worker: ObservedWorker) => ObservedWorker | undefined;

const CHANGES: Record<Exclude<ModelEvent['kind'], 'mode' | 'steady'>, Change> = {
  'hook-done': (worker) => (worker.changing ? hookDone(worker) : undefined),
  // Put to sleep in vain it is stopped and rests cold; woken in vain it is replaced.
  'hook-fails': (worker) =>
    worker.changing
      ? { ...failed(worker), state: 'stopping', sleepless: worker.sleepless || !worker.ready }
      : undefined,
  rehearsed: (worker) =>
    worker.asleep && !worker.changing ? { ...worker, changing: true, ready: true, rehearsing: true } : undefined,
  exit: (worker) => (['starting', 'active', 'standby', 'draining'].includes(worker.state) ? failed(worker) : undefined),
  'start-fails': (worker) => (worker.state === 'starting' ? { ...failed(worker), startable: false } : undefined),
  'becomes-ready': (worker) => (worker.state === 'starting' ? { ...worker, ready: true } : undefined),
  drained: (worker) => (worker.state === 'draining' ? endedWell(worker) : undefined),
  stopped: (worker) => (worker.state === 'stopping' ? endedWell(worker) : undefined),
  unusable: (worker) => (worker.state === 'active' ? { ...worker, usable: false } : undefined),
  usable: (worker) => (worker.state === 'active' ? { ...worker, usable: true } : undefined),
  restart: (worker) =>
    worker.state === 'active' || worker.state === 'standby' ? { ...worker, outdated: true } : undefined,
};

const AWAKE = { frozen: false, asleep: false, changing: false, rehearsing: false };

function failed(worker: ObservedWorker): ObservedWorker {
  return { ...worker, state: 'failed', usable: false, ready: false, ...AWAKE, outdated: false, startable: true };
}

/** `ready` remembers in a draining worker that it goes to standby, and in a sleeping one that it is waking. */
function taken(worker: ObservedWorker, step: Step): ObservedWorker {
  switch (step.kind) {
    case 'promote':
      return { ...worker, state: 'active', usable: true, ready: false, ...AWAKE };
    case 'start':
      return { ...worker, state: 'starting', ready: false, startable: false, outdated: false };
    case 'rest':
      return { ...worker, state: 'standby', ready: false };
    case 'freeze':
    case 'thaw':
      return { ...worker, frozen: step.kind === 'freeze' };
    case 'sleep':
    case 'wake':
      if (worker.changing || worker.frozen) throw new Error(`${step.kind} of a worker that can't: ${worker.id}`);
      return { ...worker, asleep: true, changing: true, ready: step.kind === 'wake' };
    case 'drain':
      return { ...worker, state: 'draining', ready: step.next === 'standby' };
    case 'stop':
      return { ...worker, state: 'stopping', ready: false, ...AWAKE };
    case 'forget':
      return { ...worker, state: 'off', startable: true };
  }
}

function hookDone(worker: ObservedWorker): ObservedWorker {
  const awake = worker.ready;
  return { ...worker, asleep: !awake, changing: false, ready: false, rehearsing: awake && worker.rehearsing };
}

function endedWell(worker: ObservedWorker): ObservedWorker {
  if (worker.changing) return hookDone(worker);
  switch (worker.state) {
    case 'starting':
      return { ...worker, ready: true };
    case 'active':
      return { ...worker, usable: true };
    case 'draining':
      return worker.ready ? { ...worker, state: 'standby', ready: false, usable: false } : off(worker);
    case 'stopping':
      return off(worker);
    case 'failed':
      return { ...worker, startable: true };
    default:
      return worker;
  }
}

function off(worker: ObservedWorker): ObservedWorker {
  return { ...worker, state: 'off', startable: true, outdated: false, ready: false, usable: false };
}
