import { expect, test } from '@jest/globals';
import { mayMove, type WorkerStateKind } from '../../pool/worker-state.js';

const KINDS: WorkerStateKind[] = ['off', 'starting', 'active', 'standby', 'draining', 'stopping', 'failed'];

test.each([
  ['off', ['starting', 'active', 'standby']],
  ['starting', ['off', 'starting', 'active', 'standby', 'stopping', 'failed']],
  ['active', ['draining', 'stopping', 'failed']],
  ['standby', ['active', 'standby', 'stopping', 'failed']],
  ['draining', ['off', 'active', 'standby', 'stopping', 'failed']],
  ['stopping', ['off', 'failed']],
  ['failed', ['off', 'starting', 'failed']],
] as const)('a worker moves from %s only to %j', (from, allowed) => {
  expect(KINDS.filter((to) => mayMove(from, to)).sort()).toEqual([...allowed].sort());
});
