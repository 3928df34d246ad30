import { expect, test } from '@jest/globals';
import { hasEnded, parseStat } from '../../../src/core/process-stat.js';

function statOf(state: string, threads: number): string {
  const head = `4711 (a (strange) name) ${state} 1 4711 4711 0 -1 4194560 0 0 0 0 3 4 0 0 20 0`;
  return `${head} ${threads} 0 99 1000 5 18446744073709551615`;
}

test.each([
  ['S', 8, false],
  ['Z', 1, true],
  // SIGKILL has ended its first thread; another one hangs in a driver, with its memory and its ports.
  ['Z', 3, false],
])('a process in state %s with %i threads has ended: %s', (state, threads, expected) => {
  const facts = parseStat(statOf(state, threads))!;
  expect(facts).toMatchObject({ pid: 4711, state, threads, startTicks: 99, cpuTicks: 7 });
  expect(hasEnded(facts)).toBe(expected);
});
