// The workers of the pool, in the order of the backends (the planner's tables rely on it): those that some mode of the
// options may want, then those that none wants any more but whose process is still there. Only it makes and drops them.
import type { WorkerDeps } from './worker.js';
import { LaunchTurns } from './launch-turns.js';
import { backendOf, shapeOf, workerId } from './modes.js';
import type { ObservedWorker } from './observed.js';
import type { BackendOptions, PoolOptions } from './options.js';
import type { WorkerProcess } from './worker-runtime.js';
import { processOf } from './worker-state.js';
import { Worker } from './worker.js';

export interface RosterDeps extends Omit<WorkerDeps, 'options' | 'portsInUse' | 'turns'> {
  /** Called once for each new worker. */
  readonly onCreated: (worker: Worker) => void;
}

export class Roster {
  readonly #deps: WorkerDeps;
  readonly #onCreated: (worker: Worker) => void;
  #options: PoolOptions;
  #workers: readonly Worker[] = [];
  #byId: ReadonlyMap<string, Worker> = new Map();
  /** Those that the options may want. */
  #wanted: ReadonlySet<Worker> = new Set();

  constructor(options: PoolOptions, { onCreated, ...deps }: RosterDeps) {
    const live = () => this.#options;
    this.#options = options;
    this.#onCreated = onCreated;
    // A getter, so that workers always see the current options.
    this.#deps = {
      ...deps,
      portsInUse: new Set(),
      turns: new LaunchTurns(deps.clock),
      get options() {
        return live();
      },
    };
    this.apply(options);
  }

  get workers(): readonly Worker[] {
    return this.#workers;
  }

  /** Those of the options, then those that are on their way out. */
  get backends(): readonly BackendOptions[] {
    const names = new Set(this.#options.backends.map(({ name }) => name));
    const leaving = this.#workers.filter(({ backend, number }) => number === 1 && !names.has(backend.name));
    return [...this.#options.backends, ...leaving.map(({ backend }) => backend)];
  }

  /** The workers that have a process of ours. */
  get processes(): { readonly id: string; readonly process: WorkerProcess }[] {
    return this.#workers.flatMap(({ id, state }) => {
      const process = processOf(state);
      return process?.pid === undefined ? [] : [{ id, process }];
    });
  }

  /** Resolves once no process is being launched. */
  get launchesIdle(): Promise<void> {
    return this.#deps.turns.idle;
  }

  find(id: string): Worker | undefined {
    return this.#byId.get(id);
  }

  of(backend: string): readonly Worker[] {
    return this.#workers.filter((worker) => worker.backend.name === backend);
  }

  observe(facts: ObservationFacts): ObservedWorker[] {
    return this.#workers.map((worker) => observeWorker(worker, facts));
  }

  /** Makes the workers of these options. Known ones live on; where the options ask for another process, they become stale. */
  apply(options: PoolOptions): void {
    this.#options = options;
    const wanted = slotsOf(options).map(({ backend, number }) => this.#ensure(backend, number));
    this.#wanted = new Set(wanted);
    this.#list([...wanted, ...this.#workers.filter((worker) => !this.#wanted.has(worker))]);
    this.dropGone();
  }

  /** Forgets those that nobody wants and that have no process left. */
  dropGone(): void {
    const stays = (worker: Worker) => this.#wanted.has(worker) || worker.state.kind !== 'off';
    if (!this.#workers.every(stays)) this.#list(this.#workers.filter(stays));
  }

  #list(workers: readonly Worker[]): void {
    this.#workers = workers;
    this.#byId = new Map(workers.map((worker) => [worker.id, worker]));
  }

  #ensure(backend: BackendOptions, number: number): Worker {
    const known = this.#byId.get(workerId(backend.name, number));
    if (known !== undefined) {
      known.configure(backend);
      return known;
    }
    const worker = new Worker(backend, number, this.#deps);
    this.#onCreated(worker);
    return worker;
  }
}

export interface ObservationFacts {
  readonly nowMs: number;
  /** Another process is in its place still, so that it can't be started. */
  readonly isBlocked: (worker: Worker) => boolean;
}

interface Slot {
  readonly backend: BackendOptions;
  readonly number: number;
}

function slotsOf(options: PoolOptions): Slot[] {
  const shapes = Object.keys(options.modes).map((name) => shapeOf(options, name));
  const ids = [...new Set(shapes.flatMap((shape) => [...shape.wishes.keys()]))];
  return options.backends.flatMap((backend) => {
    const count = ids.filter((id) => backendOf(id) === backend.name).length;
    return Array.from({ length: count }, (_, index) => ({ backend, number: index + 1 }));
  });
}

/** What the planner needs to know of a worker, at this moment. */
function observeWorker(worker: Worker, { nowMs, isBlocked }: ObservationFacts): ObservedWorker {
  const { id, state, ready, usable, willing, changing, outdated, managed } = worker;
  const standby = state.kind === 'standby' ? state : undefined;
  const failed = state.kind === 'failed' ? state : undefined;
  return {
    id,
    backend: worker.backend.name,
    state: state.kind,
    ready,
    usable,
    unfit: !willing,
    frozen: standby?.temperature === 'frozen',
    asleep: standby?.temperature === 'asleep',
    changing,
    rehearsing: standby?.rehearsal === true,
    sleepless: worker.sleepless,
    startable: (state.kind === 'off' || (failed?.retryAtMs ?? Infinity) <= nowMs) && !isBlocked(worker),
    givenUp: failed !== undefined && failed.retryAtMs === undefined,
    outdated,
    managed,
  };
}
