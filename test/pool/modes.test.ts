import { describe, expect, test } from '@jest/globals';
import { budgetOf, shapeOf } from '../../pool/modes.js';
import type { PoolOptions } from '../../pool/options.js';
import { planOptions } from '../support/observed-workers.js';

function rolesIn(mode: string, options: PoolOptions = planOptions): Record<string, string> {
  return Object.fromEntries([...shapeOf(options, mode).wishes].map(([id, wish]) => [id, wish.role]));
}

describe('the shape of a mode', () => {
  test('is one active worker in each backend when it is production', () => {
    expect(rolesIn('production')).toEqual({ 'primary/1': 'active', 'secondary/1': 'active', 'fallback/1': 'active' });
    expect(shapeOf(planOptions, 'production')).toMatchObject({ capacity: 3, floor: 2 });
  });

  test('is two active backends with two workers and one standby when it is validation', () => {
    expect(rolesIn('validation')).toEqual({
      'primary/1': 'active',
      'primary/2': 'active',
      'secondary/1': 'active',
      'secondary/2': 'active',
      'fallback/1': 'standby',
    });
    expect(shapeOf(planOptions, 'validation')).toMatchObject({ capacity: 4, floor: 3 });
  });

  test('has one worker a backend when the server forks by itself or is not ours', () => {
    const forking = { ...planOptions, command: ['serve', '--workers', '{workers}'] };
    expect(Object.keys(rolesIn('validation', forking))).toEqual(['primary/1', 'secondary/1', 'fallback/1']);
    expect(shapeOf(forking, 'validation').forks).toBe(2);
    const elsewhere = { ...planOptions, backends: [{ name: 'elsewhere', url: 'http://10.0.0.2:80' }] };
    expect(Object.keys(rolesIn('validation', elsewhere))).toEqual(['elsewhere/1']);
  });

  test('does not exist under a name of the prototype', () => {
    expect(() => shapeOf(planOptions, 'constructor')).toThrow(
      'There is no mode "constructor". Known: production, validation.',
    );
  });
});

describe('the budget', () => {
  test('is the most that any mode may need when nothing is said', () => {
    expect(budgetOf(planOptions)).toBe(5);
  });

  test('is what the operator says when something is', () => {
    expect(budgetOf({ ...planOptions, budget: { workers: 4 } })).toBe(4);
  });

  test('counts no backend that somebody else runs', () => {
    const backends = [...planOptions.backends.slice(0, 2), { name: 'fallback', url: 'http://10.0.0.2:80' }];
    expect(budgetOf({ ...planOptions, backends })).toBe(4);
  });
});
