import { expect, test } from '@jest/globals';
import { describeMode } from '../../../src/commands/mode-text.js';

const MODE = { current: 'production', target: 'production', converged: true, leases: [], available: [], job: {} };

test.each([
  [{}, 'production'],
  [{ target: 'validation', converged: false }, 'production -> validation (switching)'],
  [{ converged: false }, "production (not complete; 'understudy why' tells what is missing)"],
])('the mode %j is told as %s', (facts, told) => {
  expect(describeMode({ ...MODE, ...facts })).toBe(told);
});
