// Chance as a parameter: a number in [0, 1), as from Math.random, so that tests can own it.

export type Random = () => number;

export const systemRandom: Random = () => Math.random();

/** `value` spread evenly over [value * (1 - share), value * (1 + share)). */
export function jittered(value: number, share: number, random: Random): number {
  return value * (1 - share + 2 * share * random());
}
