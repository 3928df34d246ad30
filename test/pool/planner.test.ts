import { describe, expect, test } from '@jest/globals';
import type { ObservedWorker } from '../../pool/observed.js';
import type { PoolOptions } from '../../pool/options.js';
import { planSteps } from '../../pool/planner.js';
import { forecastSwitch } from '../../pool/switch-forecast.js';
import { describeStep } from '../../pool/step-taker.js';
import {
  observed,
  planInput,
  planOptions,
  shapeWith,
  slots,
  THREE_BY_ONE,
  TWO_BY_TWO_PLUS_ONE,
} from '../support/observed-workers.js';
import { PoolModel } from '../support/pool-model.js';

const plan = (input: ReturnType<typeof planInput>) => planSteps(input).map(describeStep);

describe('the planner', () => {
  test('starts the new workers, then drains the fallback, when validation begins', () => {
    const forecast = forecastSwitch(planInput('validation', THREE_BY_ONE, { floor: 2, promised: 3 }));
    expect(forecast.steps.map(describeStep)).toEqual([
      'start primary/2',
      'start secondary/2',
      'primary/2 into traffic (mode)',
      'secondary/2 into traffic (mode)',
      'drain fallback/1, then standby',
      'freeze fallback/1',
    ]);
    expect(forecast).toMatchObject({ processes: { before: 3, peak: 5, after: 5 }, leastServing: 3, reachable: true });
  });

  test('promotes the fallback first, then drains one worker at a time, when validation ends', () => {
    const forecast = forecastSwitch(planInput('production', TWO_BY_TWO_PLUS_ONE, { floor: 2, promised: 3 }));
    expect(forecast.steps.map(describeStep)).toEqual([
      'fallback/1 into traffic (mode)',
      'drain primary/2, then off',
      'drain secondary/2, then off',
    ]);
    expect(forecast).toMatchObject({ processes: { before: 5, peak: 5, after: 3 }, leastServing: 3 });
  });

  test('promotes the standby and nothing else when a worker is lost', () => {
    const workers = TWO_BY_TWO_PLUS_ONE.map((worker) =>
      worker.id === 'primary/1' ? { ...worker, state: 'failed' as const, usable: false } : worker,
    );
    expect(plan(planInput('validation', workers))).toEqual(['fallback/1 into traffic (deficit)']);
  });

  test('keeps the stand-in until the pool is steady when the lost worker is back', () => {
    const workers = TWO_BY_TWO_PLUS_ONE.map((worker) =>
      worker.id === 'fallback/1' ? { ...worker, state: 'active' as const, usable: true, frozen: false } : worker,
    );
    expect(plan(planInput('validation', workers, { steady: false }))).toEqual([]);
    expect(plan(planInput('validation', workers))).toEqual(['drain fallback/1, then standby']);
  });

  test('stops what still starts, without draining anybody, when the mode goes back at once', () => {
    const workers = THREE_BY_ONE.map((worker) =>
      worker.id === 'primary/2' ? { ...worker, state: 'starting' as const, startable: false } : worker,
    );
    expect(plan(planInput('production', workers))).toEqual(['stop primary/2']);
  });

  test('promotes the standby before it drains when the only active worker is replaced', () => {
    const shape = shapeWith(1, { 'primary/1': { role: 'active' }, 'fallback/1': { role: 'standby' } });
    const workers = slots({
      'primary/1': { state: 'active', outdated: true },
      'fallback/1': { state: 'standby', frozen: true },
    });
    const input = { ...planInput('production', workers), shape, floor: 1, promised: 1, budget: 2 };
    expect(plan(input)).toEqual(['fallback/1 into traffic (cover)']);
  });

  test('wakes the sleeping standby, and lets it stay awake, before the only active worker is replaced', () => {
    const shape = shapeWith(1, {
      'primary/1': { role: 'active' },
      'fallback/1': { role: 'standby', temperature: 'asleep' },
    });
    const planWith = (standby: Partial<ObservedWorker>) => {
      const workers = slots({
        'primary/1': { state: 'active', outdated: true },
        'fallback/1': { state: 'standby', ...standby },
      });
      return plan({ ...planInput('production', workers), shape, floor: 1, promised: 1, budget: 2 });
    };
    expect(planWith({ asleep: true })).toEqual(['wake fallback/1']);
    expect(planWith({ asleep: true, changing: true })).toEqual([]);
    expect(planWith({})).toEqual(['fallback/1 into traffic (cover)']);
  });

  // Out of budget, with the floor on the one that serves and the only stand-in asleep: nothing moved, once.
  test('calls the sleeping standby when nothing else can take the place of a worker that is not wished any more', () => {
    const modes = {
      one: { active: 1, workers: 1, standby: 1, standbyWorkers: 1, temperature: 'asleep' },
    } satisfies PoolOptions['modes'];
    const options = { ...planOptions, modes, initialMode: 'one', backends: planOptions.backends.slice(0, 2) };
    const workers = [
      observed('primary/1'),
      observed('secondary/1', { state: 'standby', asleep: true }),
      observed('secondary/3', { state: 'active' }),
    ];
    const model = new PoolModel(options, workers, 'one');
    expect(model.settle(20)).toBeLessThan(20);
    expect(model.workers.map(({ state }) => state)).toEqual(['active', 'standby', 'off']);
  });

  test('drains one first when the budget has no room for the new ones', () => {
    const shape = shapeWith(2, { 'primary/2': { role: 'active' }, 'secondary/2': { role: 'active' } });
    const workers = slots({ 'primary/1': { state: 'active' }, 'secondary/1': { state: 'active' } });
    const input = { ...planInput('production', workers), shape, floor: 1, promised: 2, budget: 2 };
    expect(plan(input)).toEqual(['drain primary/1, then off']);
    expect(forecastSwitch(input)).toMatchObject({ reachable: true, leastServing: 1, processes: { peak: 2 } });
  });

  test('leaves a standby that does not answer where it is, however much is missing', () => {
    const shape = shapeWith(1, { 'primary/1': { role: 'active' }, 'fallback/1': { role: 'standby' } });
    const workers = slots({
      'primary/1': { state: 'failed', startable: false },
      'fallback/1': { state: 'standby', frozen: true, unfit: true },
    });
    expect(plan({ ...planInput('production', workers), shape, floor: 1, promised: 1 })).toEqual([]);
  });

  test('starts a cold standby only while capacity is missing', () => {
    const shape = shapeWith(1, {
      'primary/1': { role: 'active' },
      'fallback/1': { role: 'standby', temperature: 'cold' },
    });
    const well = slots({ 'primary/1': { state: 'active' } });
    const lost = slots({ 'primary/1': { state: 'failed', startable: false } });
    const base = { ...planInput('production', well), shape, floor: 1, promised: 1, budget: 2 };
    expect(plan(base)).toEqual([]);
    expect(plan({ ...base, workers: lost })).toEqual(['start fallback/1']);
  });
});
