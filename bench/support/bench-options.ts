// The flags every bench understands: --rounds N, --seconds S, --quick; and the choices of a bench's own, as --case A,B.

import { parseArgs, type ParseArgsConfig } from 'node:util';

export interface BenchOptions {
  readonly rounds: number;
  /** Length of one measurement. */
  readonly seconds: number;
  readonly quick: boolean;
  /** Fewer rounds than a whole run has, or shorter ones: what comes out must not pass for one. */
  readonly partly: boolean;
}

/** `--quick` is for seeing that it works: few, short rounds. */
export function readBenchOptions(defaults: { readonly rounds: number; readonly seconds: number }): BenchOptions {
  return readBenchChoices(defaults, {});
}

/** The flags, and for each name of `choices` those of its values that were chosen: all without the flag. */
export function readBenchChoices<Name extends string>(
  defaults: { readonly rounds: number; readonly seconds: number },
  choices: Readonly<Record<Name, readonly string[]>>,
): BenchOptions & { readonly chosen: Readonly<Record<Name, readonly string[]>> } {
  const own = Object.fromEntries(Object.keys(choices).map((name) => [name, { type: 'string' as const }]));
  const values = parseFlags({
    ...own,
    rounds: { type: 'string' },
    seconds: { type: 'string' },
    quick: { type: 'boolean' },
  });
  const base = values['quick'] === true ? { rounds: Math.min(2, defaults.rounds), seconds: 1 } : defaults;
  const texts = values as Readonly<Record<string, string | undefined>>;
  const chosen = Object.fromEntries(
    Object.entries<readonly string[]>(choices).map(([name, known]) => [name, choose(name, texts[name], known)]),
  ) as Record<Name, readonly string[]>;
  const rounds = Number(texts['rounds'] ?? base.rounds);
  const seconds = Number(texts['seconds'] ?? base.seconds);
  const quick = values['quick'] === true;
  const partly = quick || rounds < defaults.rounds || seconds < defaults.seconds;
  return { rounds, seconds, quick, partly, chosen };
}

function parseFlags(options: NonNullable<ParseArgsConfig['options']>): Readonly<Record<string, unknown>> {
  try {
    return parseArgs({ options }).values;
  } catch {
    const known = Object.keys(options).map((name) => `--${name}`);
    console.error(`unknown flag or value; accepted: ${known.join(', ')}`);
    return process.exit(2);
  }
}

function choose(name: string, text: string | undefined, known: readonly string[]): readonly string[] {
  if (text === undefined) return known;
  const wanted = text.split(',');
  const unknown = wanted.find((value) => !known.includes(value));
  if (unknown === undefined) return known.filter((value) => wanted.includes(value));
  console.error(`--${name}: '${unknown}' is not known; accepted, comma-separated: ${known.join(', ')}`);
  process.exit(2);
}
