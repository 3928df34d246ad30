import { expect, test } from '@jest/globals';
import { judgeSurvivors, stateOf } from '../../pool/inheritance.js';
import type { WorkerRecord } from '../../pool/pool-state.js';
import type { Survivor } from '../../pool/survivors.js';

const isOurs = (id: string) => id.startsWith('primary/') || id.startsWith('secondary/');

function survivor(id: string, pid: number, state: WorkerRecord['state'] = 'active'): Survivor {
  const facts = { generation: 1, startTicks: pid * 10, command: 'x', host: '127.0.0.1', port: 8000 };
  return { record: { id, pid, state, restarts: 0, forks: 1, ...facts }, stopped: false };
}

test('judgeSurvivors adopts those that the pool has and ends the others', () => {
  const workers = [survivor('primary/1', 1), survivor('gone/1', 2), survivor('secondary/1', 3, 'draining')];
  const { adopt, end } = judgeSurvivors({ workers, leaderless: [] }, isOurs);
  expect(adopt.map(({ record }) => record.id)).toEqual(['primary/1', 'secondary/1']);
  expect(end).toEqual([
    { pid: 2, startTicks: 20, what: 'gone/1', port: 8000, upstream: { id: 'gone/1', generation: 1 } },
  ]);
});

test('judgeSurvivors stops for good what was being stopped', () => {
  const { adopt, end } = judgeSurvivors({ workers: [survivor('primary/1', 1, 'stopping')], leaderless: [] }, isOurs);
  expect(adopt).toEqual([]);
  expect(end).toHaveLength(1);
});

test('judgeSurvivors adopts the most trusted of two for one worker', () => {
  const workers = [survivor('primary/1', 1), survivor('primary/1', 2)];
  const { adopt, end } = judgeSurvivors({ workers, leaderless: [] }, isOurs);
  expect(adopt.map(({ record }) => record.pid)).toEqual([1]);
  expect(end.map(({ pid }) => pid)).toEqual([2]);
});

test('judgeSurvivors ends groups whose leader is gone', () => {
  const { end } = judgeSurvivors({ workers: [], leaderless: [{ pid: 7, startTicks: 0 }] }, isOurs);
  expect(end.map(({ pid }) => pid)).toEqual([7]);
});

test.each([
  ['active', false, 'active'],
  ['active', true, 'frozen'],
  ['standby', false, 'hot'],
  ['standby', true, 'frozen'],
  ['draining', false, 'active'],
  ['draining', true, 'frozen'],
  ['starting', false, 'starting'],
  ['asleep', false, 'asleep'],
] as const)('one that was %s (stopped: %s) is taken over as %s', (state, stopped, expected) => {
  expect(stateOf(survivor('primary/1', 1, state).record, stopped)).toBe(expected);
});
