// What a command says when it was called in a way that it can't follow: exit code 2.

import { UnderstudyError } from '../core/errors.js';

export function usageError(message: string): UnderstudyError {
  return new UnderstudyError(message, { code: 'usage', source: 'operator' });
}
