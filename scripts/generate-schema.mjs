// Writes understudy.schema.json from the config's own schema, if it has changed. Every build runs it.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { configJsonSchema } from '../dist/src/config/json-schema.js';

const path = join(import.meta.dirname, '..', 'understudy.schema.json');
const text = `${JSON.stringify(configJsonSchema(), null, 2)}\n`;
if (!existsSync(path) || readFileSync(path, 'utf8') !== text) writeFileSync(path, text);
