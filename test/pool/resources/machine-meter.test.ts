import { expect, test } from '@jest/globals';
import { parseCpuTime, parseMemory, parsePressure } from '../../../pool/resources/machine-meter.js';

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

test('memory is what the kernel says, in bytes', () => {
  const meminfo =
    'MemTotal:       1000 kB\nMemFree:         10 kB\nMemAvailable:    400 kB\nSwapCached:        0 kB\n' +
    'SwapTotal:       200 kB\nSwapFree:        150 kB\n';
  expect(parseMemory(meminfo)).toEqual({
    totalBytes: 1_024_000,
    availableBytes: 409_600,
    swapTotalBytes: 204_800,
    swapUsedBytes: 51_200,
  });
});

test.each(['', 'MemTotal: 1000 kB\n'])('a kernel that does not tell all of it tells nothing: %j', (meminfo) => {
  expect(parseMemory(meminfo)).toBeUndefined();
});
