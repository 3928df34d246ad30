// Keeps the priority of each worker what the mode says, live. Compares what a process was given with what it should
// have and gives it the difference; what the system refuses is told once a process and not tried again.
import { getPriority } from 'node:os';
import { USUAL_WEIGHT } from '../src/core/cgroup.js';
import type { Priority } from '../src/core/priority.js';
import type { ModeOptions } from './options.js';
import { ownCpus } from './resources/tree-priority.js';
import type { WorkerProcess, WorkerRuntime } from './worker-runtime.js';

export interface Prioritised {
  readonly id: string;
  readonly process: WorkerProcess;
}

export interface WorkerPrioritiesDeps {
  readonly runtime: Pick<WorkerRuntime, 'prioritise' | 'whyWeightless'>;
  readonly onRefused: (id: string, evidence: string) => void;
  /** No process can be given a weight here; told once. */
  readonly onWeightless: (why: string) => void;
}

/** The system's defaults. */
const UNTOLD = { io: 4, weight: USUAL_WEIGHT } as const;

export class WorkerPriorities {
  readonly #modes: () => Readonly<Record<string, ModeOptions>>;
  readonly #deps: WorkerPrioritiesDeps;
  /** The keys that some mode sets, or did before a reload. No other property of a process is ever touched. */
  readonly #touched = new Set<string>();
  readonly #given = new WeakMap<WorkerProcess, Priority>();
  readonly #giving = new WeakSet<WorkerProcess>();
  /** Whether processes can be given a weight here; undefined before any mode has spoken of one. */
  #weighs: boolean | undefined;

  constructor(modes: () => Readonly<Record<string, ModeOptions>>, deps: WorkerPrioritiesDeps) {
    this.#modes = modes;
    this.#deps = deps;
  }

  /** Idempotent; cheap when nothing has changed. */
  ensure(mode: string, workers: readonly Prioritised[]): void {
    for (const { priority, cpuShare } of Object.values(this.#modes())) {
      for (const key of Object.keys(priority ?? {})) this.#touched.add(key);
      if (cpuShare !== undefined) this.#touched.add('cpus');
    }
    if (this.#touched.size === 0) return;
    if (this.#touched.has('weight')) this.#weighs ??= this.#canWeigh();
    const wished = this.#wished(mode);
    for (const { id, process } of workers) {
      if (isSame(this.#given.get(process), wished)) continue;
      this.#given.set(process, wished);
      if (!this.#giving.has(process)) void this.#give({ id, process });
    }
  }

  /** The wish may change while one is being given: goes on until the process has the latest. */
  async #give({ id, process }: Prioritised): Promise<void> {
    this.#giving.add(process);
    for (let wished: Priority | undefined; wished !== this.#given.get(process);) {
      wished = this.#given.get(process)!;
      const refused = await this.#deps.runtime.prioritise(process, wished);
      if (refused.length > 0) this.#deps.onRefused(id, refused.join('; '));
    }
    this.#giving.delete(process);
  }

  #canWeigh(): boolean {
    const why = this.#deps.runtime.whyWeightless();
    if (why !== undefined) this.#deps.onWeightless(why);
    return why === undefined;
  }

  /** Has a value for every touched key, so that leaving a mode takes back what it gave. */
  #wished(mode: string): Priority {
    const { priority: own = {}, cpuShare = 1 } = this.#modes()[mode] ?? {};
    const has = (key: keyof Priority) => this.#touched.has(key);
    const all = ownCpus();
    const cpus = own.cpus ?? (all === undefined ? undefined : firstCpus(all, cpuShare));
    return {
      ...(has('nice') ? { nice: own.nice ?? getPriority() } : {}),
      ...(has('io') ? { io: own.io ?? UNTOLD.io } : {}),
      ...(has('cpus') && cpus !== undefined ? { cpus } : {}),
      ...(this.#weighs === true ? { weight: own.weight ?? UNTOLD.weight } : {}),
    };
  }
}

function isSame(a: Priority | undefined, b: Priority): boolean {
  return a !== undefined && a.nice === b.nice && a.io === b.io && a.cpus === b.cpus && a.weight === b.weight;
}

/** The first ones of a list as `taskset -c` takes it, for a share of them; at least one. */
export function firstCpus(list: string, share: number): string {
  if (share >= 1) return list;
  const cpus = list.split(',').flatMap((range) => {
    const [first = 0, last = first] = range.split('-').map(Number);
    return Array.from({ length: last - first + 1 }, (_, index) => first + index);
  });
  return cpus.slice(0, Math.max(1, Math.round(cpus.length * share))).join(',');
}
