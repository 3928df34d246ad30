// Every line here is made after the format that nvidia-smi(1) documents; none was recorded from a device.
import { expect, test } from '@jest/globals';
import { parseDevices, parseProcesses } from '../../../pool/resources/nvidia-csv.js';

const MIB = 1024 * 1024;

test('a device is read with its memory in bytes and its share from 0 to 1', () => {
  expect(parseDevices('0, GPU-1, 61, 4096, 900, 67, NVIDIA GeForce GTX 1650\n')).toEqual([
    {
      index: 0,
      uuid: 'GPU-1',
      name: 'NVIDIA GeForce GTX 1650',
      busyShare: 0.61,
      memoryTotalBytes: 4_096 * MIB,
      memoryUsedBytes: 900 * MIB,
      temperatureCelsius: 67,
    },
  ]);
});

test.each(['[N/A]', '[Not Supported]', '[Unknown Error]', '[GPU requires reset]'])(
  'a field is unknown, not zero, when the device says %s',
  (field) => {
    const [device] = parseDevices(`1, GPU-2, ${field}, 4096, ${field}, ${field}, Tesla, the second`)!;
    expect(device).toMatchObject({ name: 'Tesla, the second', busyShare: undefined, memoryUsedBytes: undefined });
  },
);

test('processes are read with the device that they are on', () => {
  expect(parseProcesses('GPU-1, 4242, 300\nGPU-1, 4243, [N/A]\n')).toEqual([
    { uuid: 'GPU-1', pid: 4_242, memoryBytes: 300 * MIB },
    { uuid: 'GPU-1', pid: 4_243, memoryBytes: undefined },
  ]);
});

test('no process is an answer, not a failure', () => {
  expect(parseProcesses('')).toEqual([]);
});

test.each([
  'No devices were found',
  'index, name',
  '0, GPU-1',
  '0, GPU-1, 61, 4096, 900, 67, GTX\nWARNING: infoROM is corrupted',
])('anything else than the documented lines is no reading: %j', (text) => expect(parseDevices(text)).toBeUndefined());
