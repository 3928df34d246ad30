// What uvicorn is told for each worker, whatever the environment would have it do.
import { expect, test } from '@jest/globals';
import { uvicornCommand } from '../../../src/config/worker-command.js';

function flagsOf(version: string, graceMs = 10_000): Map<string, string> {
  const [, , , , ...words] = uvicornCommand('app:app', { graceMs, python: { python: 'python3', version } });
  return new Map(words.flatMap((word, index) => (word.startsWith('--') ? [[word, words[index + 1]!]] : [])));
}

test('it is one process a worker, whatever WEB_CONCURRENCY says', () => {
  expect(flagsOf('0.30.0').get('--workers')).toBe('1');
});

test('it keeps idle connections for longer than the proxy does', () => {
  expect(Number(flagsOf('0.30.0').get('--timeout-keep-alive'))).toBeGreaterThan(60);
});

test.each([
  ['0.21.1', 10_000, undefined],
  ['0.22.0', 10_000, '10'],
  ['1.0.0', 10_000, '10'],
  ['0.30.0', 300, '1'],
])('uvicorn %s with a grace of %d ms is given %s s to finish', (version, graceMs, seconds) => {
  expect(flagsOf(version, graceMs).get('--timeout-graceful-shutdown')).toBe(seconds);
});
