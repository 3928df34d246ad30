// Durations and sizes as people write them, as zod types that come out in milliseconds and bytes.

import { z } from 'zod';
import { shownValue } from './shown-value.js';

const UNIT_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const;
const UNIT_BYTES = { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3, KB: 1e3, MB: 1e6, GB: 1e9 } as const;

export type QuantityKind = 'duration' | 'size';

/** Which types of the schema are quantities: what is refined from one is one too. */
const kinds = z.registry<{ readonly kind: QuantityKind }>();

export function kindOf(schema: unknown): QuantityKind | undefined {
  return kinds.get(schema as z.core.$ZodType)?.kind;
}

/** `250ms`, `2s`, `5m`, `1h`, or a number of milliseconds. Comes out in milliseconds. */
export function duration() {
  const schema = z.union([z.string(), z.number()]).transform((value, context) => {
    const ms = typeof value === 'number' ? value : parseWithUnit(value, UNIT_MS);
    if (ms !== undefined && Number.isFinite(ms) && ms >= 0) return ms;
    context.addIssue({
      code: 'custom',
      message: `${shownValue(value)} is no duration; accepted: 250ms, 2s, 5m, 1h, or milliseconds`,
    });
    return z.NEVER;
  });
  return schema.register(kinds, { kind: 'duration' });
}

/** `16KiB`, `1MiB`, or a number of bytes. Comes out in bytes. */
export function byteSize() {
  const schema = z.union([z.string(), z.number()]).transform((value, context) => {
    const bytes = typeof value === 'number' ? value : parseWithUnit(value, UNIT_BYTES);
    if (bytes !== undefined && Number.isInteger(bytes) && bytes >= 0) return bytes;
    context.addIssue({ code: 'custom', message: `${shownValue(value)} is no size; accepted: 16KiB, 1MiB, or bytes` });
    return z.NEVER;
  });
  return schema.register(kinds, { kind: 'size' });
}

/** As it is written in a config. */
export function durationText(ms: number): string {
  return ms === 0 ? '0s' : inLargestUnit(ms, UNIT_MS);
}

/** As it is written in a config. */
export function sizeText(bytes: number): string {
  return inLargestUnit(bytes, UNIT_BYTES);
}

/** In the largest unit of which it is a whole number; of a part of the smallest one in that. */
function inLargestUnit(value: number, units: Readonly<Record<string, number>>): string {
  const [smallest, ...larger] = Object.entries(units).sort(([, one], [, other]) => one - other);
  const [unit, factor] = larger.findLast(([, size]) => value > 0 && value % size === 0) ?? smallest!;
  return `${value / factor}${unit}`;
}

/** A number with a unit of the table, or undefined. */
function parseWithUnit(text: string, units: Readonly<Record<string, number>>): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*([A-Za-z]+)$/.exec(text.trim());
  const factor = match === null ? undefined : units[match[2]!];
  return factor === undefined ? undefined : Number(match![1]) * factor;
}

/** A duration on its own, for a flag. Milliseconds, or undefined. */
export function parseDuration(text: string): number | undefined {
  return parseWithUnit(text, UNIT_MS);
}

/** `0s` is no deadline: nothing is to happen at once for it. */
export function orNever(ms: number): number {
  return ms === 0 ? Infinity : ms;
}
