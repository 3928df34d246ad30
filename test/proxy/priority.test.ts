import { describe, expect, test } from '@jest/globals';
import { defaultPriorityOptions, priorityOf } from '../../proxy/priority.js';

const routes = [
  { path: '/evaluate/now', class: 'live' },
  { path: '/evaluate', class: 'batch' },
] as const;

describe('the priority of a request', () => {
  test.each([
    ['without a word', { path: '/', claimed: undefined, trusted: true }, {}, 'live'],
    ['a claim of an untrusted client', { path: '/', claimed: 'batch', trusted: false }, {}, 'live'],
    ['a claim of a trusted proxy', { path: '/', claimed: 'batch', trusted: true }, {}, 'batch'],
    [
      'a claim where clients are trusted',
      { path: '/', claimed: ' Validation ', trusted: false },
      { trustClients: true },
      'validation',
    ],
    ['an unknown class', { path: '/', claimed: 'vip', trusted: true }, {}, 'live'],
    ['a route', { path: '/evaluate/x?y', claimed: undefined, trusted: false }, { routes }, 'batch'],
    ['a route against a claim', { path: '/evaluate', claimed: 'live', trusted: true }, { routes }, 'batch'],
    ['the first route that fits', { path: '/evaluate/now', claimed: undefined, trusted: false }, { routes }, 'live'],
  ] as const)('%s', (_what, facts, options, expected) => {
    expect(priorityOf(facts, { ...defaultPriorityOptions, ...options })).toBe(expected);
  });
});
