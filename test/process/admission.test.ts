// A whole instance and what nvidia-smi on PATH tells it: honest stand-ins limit the starts, lying ones stop nothing.
import { join } from 'node:path';
import { afterEach, expect, test } from '@jest/globals';
import { oneDevice, writeStandIn, type StandIn } from '../support/stand-in-nvidia-smi.js';
import { UnderstudyProcess } from '../support/understudy-process.js';

let instance: UnderstudyProcess;

afterEach(() => instance.dispose());

async function launchWith(standIn: StandIn): Promise<void> {
  // Only who hangs must be given up soon; on a busy machine an honest answer may take its time.
  const resources = { interval: '50ms', gpuTimeout: standIn.kind === 'hangs' ? '200ms' : '20s' };
  instance = await UnderstudyProcess.prepare({
    config: { resources, expected: { gpuMemory: '1GiB' } },
    backendCount: 1,
  });
  const bin = join(instance.folder, 'bin');
  writeStandIn(bin, standIn);
  instance.launch({ env: { PATH: `${bin}:${process.env['PATH']}` } });
}

test('an instance that finds no room on the GPU ends with the numbers and leaves nothing behind', async () => {
  await launchWith(oneDevice({ usedMiB: 3_500 }));
  expect(await instance.waitForExit()).not.toBe(0);
  expect(instance.stderr).toContain('needs 1024 MiB of GPU memory at its peak, but 596 MiB is free');
});

test.each<[string, StandIn]>([
  ['hangs', { kind: 'hangs' }],
  ['prints garbage', { kind: 'answers', devices: 'Segmentation fault' }],
  ['sees no device', { kind: 'fails', code: 6, output: 'No devices were found' }],
  ['has lost its driver', { kind: 'fails', code: 9, output: 'failed' }],
  ['tells of room enough', oneDevice({ usedMiB: 900 })],
])('an instance starts its worker when nvidia-smi %s', async (_, standIn) => {
  await launchWith(standIn);
  await instance.waitForOutput(/ready/);
  expect(await instance.workerPids('active')).toHaveLength(1);
});
