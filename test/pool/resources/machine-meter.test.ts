import { expect, test } from '@jest/globals';
import { parseCpuTime, parsePressure } from '../../../pool/resources/machine-meter.js';

test('CPU time waiting for a disk is not busy, and guest time is not counted twice', () => {
  const stat = 'cpu  100 20 30 400 50 6 7 8 90 10\ncpu0 1 1 1 1 1 1 1 1 1 1\n';
  expect(parseCpuTime(stat)).toEqual({ total: 621, busy: 171 });
});

test('pressure is the share of the last ten seconds, of some or of all tasks', () => {
  const text = 'some avg10=1.49 avg60=0.48 avg300=0.45 total=4553578\nfull avg10=1.34 avg60=0.42 avg300=0.41 total=1\n';
  expect(parsePressure(text, 'some')).toBe(1.49);
  expect(parsePressure(text, 'full')).toBe(1.34);
});

test('no pressure is read from a kernel that tells no such line', () => {
  expect(parsePressure('some avg10=2.00 avg60=0 avg300=0 total=1\n', 'full')).toBe(0);
});
