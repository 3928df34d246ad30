// The config's schema for editors: the same zod schema that checks the file, as JSON Schema.

import { z } from 'zod';
import { durationText, kindOf, sizeText } from './quantities.js';
import { configSchema } from './schema.js';

export function configJsonSchema(): object {
  const schema = z.toJSONSchema(configSchema, {
    io: 'input',
    unrepresentable: 'any',
    // zod leaves out the default of what it transforms, and cannot know how one writes it.
    override: ({ zodSchema, jsonSchema }) => {
      if (!(zodSchema instanceof z.ZodDefault)) return;
      const { innerType, defaultValue } = zodSchema.def;
      const kind = kindOf(innerType);
      if (kind === undefined) return;
      jsonSchema.default = (kind === 'duration' ? durationText : sizeText)(defaultValue as number);
    },
  });
  return { title: 'Configuration of Understudy (understudy.yaml)', ...schema };
}
