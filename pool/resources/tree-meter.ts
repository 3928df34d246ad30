// Turns two looks at a process tree into a rate: how many cores it used between them.
import type { Clock } from '../../src/core/clock.js';
import { readTree, type TreeFacts } from './process-tree.js';

/** USER_HZ, which Linux has fixed for all that it shows to programs. */
const TICKS_PER_SECOND = 100;

export interface MeteredTree extends TreeFacts {
  readonly cores: number | undefined;
}

export class TreeMeter {
  readonly #clock: Clock;
  readonly #last = new Map<number, { readonly cpuTicks: number; readonly atMs: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Looks at each of these trees, and forgets all others. `rest`: awaited before each. */
  async read(roots: readonly number[], rest: () => Promise<void>): Promise<ReadonlyMap<number, MeteredTree>> {
    for (const root of this.#last.keys()) if (!roots.includes(root)) this.#last.delete(root);
    const trees = new Map<number, MeteredTree>();
    for (const root of roots) {
      await rest();
      const tree = this.#read(root);
      if (tree !== undefined) trees.set(root, tree);
    }
    return trees;
  }

  #read(root: number): MeteredTree | undefined {
    const facts = readTree(root);
    if (facts === undefined) return undefined;
    const atMs = this.#clock.now();
    const last = this.#last.get(root);
    this.#last.set(root, { cpuTicks: facts.cpuTicks, atMs });
    if (last === undefined || atMs <= last.atMs) return { ...facts, cores: undefined };
    // A child that ended takes its ticks with it: then there is no telling, but it was not less than nothing.
    const ticks = Math.max(0, facts.cpuTicks - last.cpuTicks);
    return { ...facts, cores: ticks / TICKS_PER_SECOND / ((atMs - last.atMs) / 1000) };
  }
}
