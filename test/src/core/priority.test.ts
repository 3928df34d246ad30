import { expect, test } from '@jest/globals';
import { ioniceFlags } from '../../../src/core/priority.js';

test.each([
  ['idle', ['-c', '3']],
  [0, ['-c', '2', '-n', '0']],
  [7, ['-c', '2', '-n', '7']],
] as const)('the disk priority %p is what ionice takes', (io, flags) => {
  expect(ioniceFlags(io)).toEqual(flags);
});
