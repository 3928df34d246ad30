import { describe, expect, test } from '@jest/globals';
import { comparePools } from '../../pool/pool-change.js';
import type { PoolOptions } from '../../pool/options.js';
import { planOptions } from '../support/observed-workers.js';

const [primary, secondary, fallback] = planOptions.backends as [
  PoolOptions['backends'][number],
  PoolOptions['backends'][number],
  PoolOptions['backends'][number],
];

function change(overrides: Partial<PoolOptions>) {
  return comparePools(planOptions, { ...planOptions, ...overrides });
}

describe('comparePools', () => {
  test.each<[string, Partial<PoolOptions>, Partial<ReturnType<typeof change>>]>([
    ['nothing when nothing has changed', {}, {}],
    [
      'nothing when only modes, limits and order have changed',
      { failbackAfterMs: 1, backends: [fallback, primary, secondary] },
      {},
    ],
    [
      'an added backend',
      { backends: [...planOptions.backends, { name: 'new', host: '::1', port: 1 }] },
      { added: ['new'] },
    ],
    ['a removed backend', { backends: [primary, secondary] }, { removed: ['fallback'] }],
    [
      'a backend with another port',
      { backends: [primary, secondary, { ...fallback, port: 1 }] },
      { replaced: ['fallback'] },
    ],
    [
      'a backend that is no longer ours',
      { backends: [primary, { name: 'secondary', url: 'http://h:1' }, fallback] },
      { replaced: ['secondary'] },
    ],
    [
      'every backend when the command has changed',
      { command: ['other', '{port}'] },
      { replaced: ['primary', 'secondary', 'fallback'] },
    ],
    [
      'every backend when the environment has changed',
      { env: { A: '1' } },
      { replaced: ['primary', 'secondary', 'fallback'] },
    ],
  ])('names %s', (_what, overrides, expected) => {
    expect(change(overrides)).toEqual({ added: [], removed: [], replaced: [], ...expected });
  });

  test('does not mind the order of the environment', () => {
    const [before, after] = [
      { A: '1', B: '2' },
      { B: '2', A: '1' },
    ].map((env) => ({ ...planOptions, env }));
    expect(comparePools(before!, after!).replaced).toEqual([]);
  });
});
