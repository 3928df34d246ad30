// What a reload changes, as people write it in the config: durations and sizes with their units. Pure.

import type { ConfigChange } from './config-diff.js';
import { durationText, kindOf, sizeText, type QuantityKind } from './quantities.js';
import { configSchema } from './schema.js';

/** `10s -> 5s` */
export function changeText({ path, before, after }: ConfigChange): string {
  const kind = kindAt(configSchema, path.split('.'));
  return `${valueText(before, kind)} -> ${valueText(after, kind)}`;
}

function valueText(json: string | undefined, kind: QuantityKind | undefined): string {
  if (json === undefined) return 'nothing';
  const value = Number(json);
  if (kind === undefined || !Number.isFinite(value)) return json;
  return kind === 'duration' ? durationText(value) : sizeText(value);
}

/** A part of a zod schema: each kind of them has some of these. */
interface Part {
  readonly shape?: Readonly<Record<string, unknown>>;
  readonly options?: readonly unknown[];
  readonly valueType?: unknown;
  readonly def?: { readonly innerType?: unknown };
}

function kindAt(schema: unknown, [key, ...rest]: readonly string[]): QuantityKind | undefined {
  const part = (schema ?? {}) as Part;
  if (part.def?.innerType !== undefined) return kindAt(part.def.innerType, key === undefined ? [] : [key, ...rest]);
  if (key === undefined) return kindOf(schema);
  if (part.options !== undefined) {
    return part.options.map((option) => kindAt(option, [key, ...rest])).find((kind) => kind !== undefined);
  }
  const next = part.shape === undefined ? part.valueType : Object.hasOwn(part.shape, key) && part.shape[key];
  return next ? kindAt(next, rest) : undefined;
}
