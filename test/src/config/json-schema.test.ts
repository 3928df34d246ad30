import { expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { configJsonSchema } from '../../../src/config/json-schema.js';

test('the JSON Schema that is shipped is that of the config', () => {
  const shipped: unknown = JSON.parse(readFileSync('understudy.schema.json', 'utf8'));
  expect(shipped).toEqual(JSON.parse(JSON.stringify(configJsonSchema())));
});
