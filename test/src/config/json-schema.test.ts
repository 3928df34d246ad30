import { expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { configJsonSchema } from '../../../src/config/json-schema.js';

test('the JSON Schema that is shipped is that of the config', () => {
  const shipped: unknown = JSON.parse(readFileSync('understudy.schema.json', 'utf8'));
  expect(shipped).toEqual(JSON.parse(JSON.stringify(configJsonSchema())));
});

test('every key of the JSON Schema has a description for editors to show', () => {
  const schema: unknown = JSON.parse(JSON.stringify(configJsonSchema()));
  const properties = [...propertiesOf(schema, [])];
  expect(properties.map(({ path }) => path)).toEqual(
    expect.arrayContaining([
      'front.tls.cert',
      'backends.name',
      'backends.url',
      'modes.*.job.nice',
      'modes.*.budget.ram',
      'budget.ram',
      'priorities.routes.class',
      'sleep.demote.command',
      'sleep.golden.method',
    ]),
  );
  expect(properties.filter(({ description }) => !description).map(({ path }) => path)).toEqual([]);
});

test('the JSON Schema says the defaults of durations and sizes as one writes them', () => {
  const schema: unknown = JSON.parse(JSON.stringify(configJsonSchema()));
  const defaults = new Map([...propertiesOf(schema, [])].map(({ path, default: value }) => [path, value]));
  expect(defaults.get('startTimeout')).toBe('5m');
  expect(defaults.get('health.suspiciousInterval')).toBe('250ms');
  expect(defaults.get('limits.maxHead')).toBe('16KiB');
});

/** What of JSON Schema ours is made of. */
interface Part {
  readonly description?: string;
  readonly default?: unknown;
  readonly properties?: Readonly<Record<string, Part>>;
  readonly additionalProperties?: Part | boolean;
  readonly items?: Part;
  readonly anyOf?: readonly Part[];
}

interface Property {
  readonly path: string;
  readonly description: string | undefined;
  readonly default: unknown;
}

function* propertiesOf(schema: unknown, path: readonly string[]): Generator<Property> {
  const { properties = {}, additionalProperties, items, anyOf = [] } = schema as Part;
  for (const [key, part] of Object.entries(properties)) {
    const own = [...path, key];
    yield { path: own.join('.'), description: part.description?.trim(), default: part.default };
    yield* propertiesOf(part, own);
  }
  for (const part of [items, ...anyOf]) if (part !== undefined) yield* propertiesOf(part, path);
  if (typeof additionalProperties === 'object') yield* propertiesOf(additionalProperties, [...path, '*']);
}
