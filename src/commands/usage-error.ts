// What a command says when it was called in a way that it can't follow: exit code 2.

import { operatorError, type UnderstudyError } from '../core/errors.js';

export function usageError(message: string): UnderstudyError {
  return operatorError('usage', message);
}
