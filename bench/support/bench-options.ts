// The flags every bench understands: --rounds N, --seconds S, --quick.

import { parseArgs } from 'node:util';

export interface BenchOptions {
  readonly rounds: number;
  /** Length of one measurement. */
  readonly seconds: number;
  readonly quick: boolean;
}

/** `--quick` is for seeing that it works: few, short rounds. */
export function readBenchOptions(defaults: { readonly rounds: number; readonly seconds: number }): BenchOptions {
  const { values } = parseArgs({
    options: { rounds: { type: 'string' }, seconds: { type: 'string' }, quick: { type: 'boolean', default: false } },
  });
  const base = values.quick ? { rounds: Math.min(2, defaults.rounds), seconds: 1 } : defaults;
  return {
    rounds: Number(values.rounds ?? base.rounds),
    seconds: Number(values.seconds ?? base.seconds),
    quick: values.quick,
  };
}
