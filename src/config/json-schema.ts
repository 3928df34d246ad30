// The config's schema for editors: the same zod schema that checks the file, as JSON Schema.

import { z } from 'zod';
import { configSchema } from './schema.js';

export function configJsonSchema(): object {
  const schema = z.toJSONSchema(configSchema, { io: 'input', unrepresentable: 'any' });
  return { title: 'Configuration of Understudy (understudy.yaml)', ...schema };
}
