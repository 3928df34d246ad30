import { expect, test } from '@jest/globals';
import { RetryBudget } from '../../proxy/retry-budget.js';

/** How many repeats it pays for in a row. */
function spendAll(budget: RetryBudget): number {
  let spent = 0;
  while (spent < 1_000 && budget.trySpend()) spent += 1;
  return spent;
}

function budgetAfter(requests: number): RetryBudget {
  const budget = new RetryBudget({ share: 0.25, allowance: 3, reserve: 10 });
  for (let request = 0; request < requests; request += 1) budget.earn();
  return budget;
}

test.each([
  ['an allowance before anybody has asked', 0, 3],
  ['nothing more for less than a whole repeat', 3, 3],
  ['the share of each request', 4, 4],
  ['no more than the reserve', 1_000, 10],
])('it pays for %s', (_what, requests, repeats) => {
  expect(spendAll(budgetAfter(requests))).toBe(repeats);
});

test('what is spent is earned again', () => {
  const budget = budgetAfter(0);
  spendAll(budget);
  for (let request = 0; request < 8; request += 1) budget.earn();
  expect(spendAll(budget)).toBe(2);
});
