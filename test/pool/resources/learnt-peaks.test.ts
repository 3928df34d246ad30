import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { LearntPeaks } from '../../../pool/resources/learnt-peaks.js';

let folder: string;
let file: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'understudy-peaks-'));
  file = join(folder, 'learnt-peaks.json');
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

test('the highest of each kind is known, and known again by the next one with the same command', () => {
  const first = new LearntPeaks(file, ['serve', '{port}']);
  expect(first.peak).toBeUndefined();
  first.note(1, { ramBytes: 500, gpuBytes: 0 });
  first.note(2, { ramBytes: 100, gpuBytes: 70 });
  expect(first.peak).toEqual({ ramBytes: 500, gpuBytes: 70 });
  expect(new LearntPeaks(file, ['serve', '{port}']).peak).toEqual({ ramBytes: 500, gpuBytes: 70 });
});

test('another command learns for itself and forgets nothing of the first', () => {
  new LearntPeaks(file, ['serve']).note(1, { ramBytes: 500, gpuBytes: 0 });
  const other = new LearntPeaks(file, ['serve', '--large']);
  expect(other.peak).toBeUndefined();
  other.note(1, { ramBytes: 900, gpuBytes: 0 });
  expect(new LearntPeaks(file, ['serve']).peak?.ramBytes).toBe(500);
});

test('a little growth is known but not worth a write', () => {
  const peaks = new LearntPeaks(file, ['serve']);
  peaks.note(1, { ramBytes: 1_000, gpuBytes: 0 });
  peaks.note(1, { ramBytes: 1_010, gpuBytes: 0 });
  expect(peaks.peak?.ramBytes).toBe(1_010);
  expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ serve: { ramBytes: 1_000 } });
});

test.each(['', 'no JSON', '[]', '{"serve": null}', '{"serve": {"ramBytes": "much"}}'])(
  'a damaged file is as good as none: %j',
  (text) => {
    const damaged = join(folder, 'damaged.json');
    writeFileSync(damaged, text);
    const peaks = new LearntPeaks(damaged, ['serve']);
    expect(peaks.peak).toBeUndefined();
    peaks.note(1, { ramBytes: 5, gpuBytes: 0 });
    expect(new LearntPeaks(damaged, ['serve']).peak).toEqual({ ramBytes: 5, gpuBytes: 0 });
  },
);

test('a folder that can not be written costs the lesson only', () => {
  const peaks = new LearntPeaks(join(folder, 'nowhere', 'peaks.json'), ['serve']);
  peaks.note(1, { ramBytes: 5, gpuBytes: 0 });
  expect(peaks.peak).toEqual({ ramBytes: 5, gpuBytes: 0 });
});

test('what one needs less than those before is known once enough of it were started', () => {
  new LearntPeaks(file, ['serve']).note(1, { ramBytes: 9_000, gpuBytes: 0 });
  const peaks = new LearntPeaks(file, ['serve']);
  for (let pid = 2; pid <= 8; pid++) peaks.note(pid, { ramBytes: 500, gpuBytes: 0 });
  expect(peaks.peak?.ramBytes).toBe(9_000);
  peaks.note(9, { ramBytes: 600, gpuBytes: 0 });
  expect(peaks.peak?.ramBytes).toBe(600);
  expect(new LearntPeaks(file, ['serve']).peak?.ramBytes).toBe(600);
});
