import { describe, expect, test } from '@jest/globals';
import type { SwitchPlan } from '../../../pool/index.js';
import { composePlan } from '../../../src/admin/compose-plan.js';
import { renderPlan } from '../../../src/commands/mode.js';

const MIB = 1024 ** 2;
const PRODUCTION = ['primary/1', 'fallback/1'];

/** One worker more for primary, then fallback stops. */
const PLAN: SwitchPlan = {
  from: 'production',
  to: 'busy',
  steps: [
    { kind: 'start', id: 'primary/2' },
    { kind: 'promote', id: 'primary/2', reason: 'mode' },
    { kind: 'drain', id: 'fallback/1', next: 'off' },
  ],
  processes: { before: 2, peak: 3, after: 2 },
  running: { before: PRODUCTION, peak: [...PRODUCTION, 'primary/2'], after: ['primary/1', 'primary/2'] },
  serving: [],
  leastServing: 2,
  reachable: true,
  floor: 1,
  budget: 3,
};

const MEASURED = new Map([
  ['primary/1', 300 * MIB],
  ['fallback/1', 100 * MIB],
]);

describe('a plan', () => {
  test('expects of a new worker what its own backend uses', () => {
    expect(composePlan(PLAN, MEASURED).memoryBytes).toEqual({ before: 400 * MIB, peak: 700 * MIB, after: 600 * MIB });
  });

  test('expects the mean of all when its backend runs nothing yet', () => {
    const others = new Map([
      ['secondary/1', 100 * MIB],
      ['fallback/1', 200 * MIB],
    ]);
    const running = { before: [], peak: ['primary/1'], after: ['primary/1'] };
    expect(composePlan({ ...PLAN, running }, others).memoryBytes.after).toBe(150 * MIB);
  });

  test('says what runs after each step', () => {
    const { stages } = composePlan(PLAN, MEASURED);
    expect(stages).toEqual([
      { step: 'start primary/2', processes: 3, memoryBytes: 700 * MIB },
      { step: 'primary/2 into traffic (mode)', processes: 3, memoryBytes: 700 * MIB },
      { step: 'drain fallback/1, then off', processes: 2, memoryBytes: 600 * MIB },
    ]);
  });

  test('does not invent memory when nothing runs that could be measured', () => {
    expect(composePlan(PLAN, new Map()).memoryBytes).toEqual({ before: null, peak: null, after: null });
  });

  test('reads as a table with the sums before, at peak and after', () => {
    expect(renderPlan(composePlan(PLAN, MEASURED))).toBe(
      [
        'production -> busy                processes  memory',
        '1. start primary/2                3          700 MiB',
        '2. primary/2 into traffic (mode)  3          700 MiB',
        '3. drain fallback/1, then off     2          600 MiB',
        '',
        'before                            2          400 MiB',
        'at peak                           3          700 MiB',
        'after                             2          600 MiB',
        '',
      ].join('\n'),
    );
  });

  test('says so when there is nothing to do', () => {
    expect(renderPlan(composePlan({ ...PLAN, steps: [] }, MEASURED))).toBe('production -> busy\n  nothing to do\n');
  });
});
