// What a running instance tells about the machine, with a stand-in for nvidia-smi on PATH.
import { join } from 'node:path';
import { afterEach, expect, test } from '@jest/globals';
import { oneDevice, writeStandIn, type StandIn } from '../support/stand-in-nvidia-smi.js';
import { UnderstudyProcess } from '../support/understudy-process.js';
import type { ResourceReading } from '../../src/core/resource-reading.js';

let instance: UnderstudyProcess;

afterEach(() => instance.dispose());

async function startWith(standIn: StandIn, resources: Readonly<Record<string, unknown>>): Promise<void> {
  const config = { resources: { interval: '20ms', ...resources } };
  instance = await UnderstudyProcess.prepare({ config });
  const bin = join(instance.folder, 'bin');
  writeStandIn(bin, standIn);
  instance.launch({ env: { PATH: `${bin}:${process.env['PATH']}` } });
  await instance.waitForOutput(/ready/);
}

async function readingWith(accepts: (reading: ResourceReading) => boolean): Promise<ResourceReading> {
  for (;;) {
    const { resources } = await instance.status();
    if (resources !== null && accepts(resources)) return resources;
  }
}

test('status and metrics show the machine, each worker and the GPU', async () => {
  await startWith(oneDevice({ usedMiB: 300 }), {});
  const isWhole = ({ workers, gpu }: ResourceReading) => workers.length === 3 && gpu.state === 'seen';
  const { workers, gpu, cost } = await readingWith(isWhole);
  expect(workers.map(({ id }) => id)).toEqual(['primary/1', 'secondary/1', 'fallback/1']);
  expect(gpu).toMatchObject({ devices: [{ busyShare: 0.61, temperatureCelsius: 67 }] });
  expect(cost.cpuMs).toBeGreaterThan(0);
  const metrics = await (await fetch(`http://127.0.0.1:${instance.adminPort}/metrics`)).text();
  expect(metrics).toMatch(/^understudy_worker_resident_bytes\{worker="primary\/1"\} [1-9]/m);
  expect(metrics).toMatch(/^understudy_gpu_busy_share\{gpu="0"\} 0.61$/m);
});

test('an instance serves and stops as ever while the GPU driver hangs', async () => {
  await startWith({ kind: 'hangs' }, { gpuTimeout: '100ms' });
  const { gpu } = await readingWith((reading) => reading.gpu.state === 'failing');
  expect(gpu).toMatchObject({ reason: expect.stringContaining('did not answer within 100 ms') });
  expect((await fetch(`${instance.url}/`)).status).toBe(200);
  instance.signal('SIGTERM');
  expect(await instance.waitForExit()).toBe(0);
});

test('nothing is sampled when it is switched off', async () => {
  await startWith(oneDevice(), { enabled: false });
  expect((await instance.status()).resources).toBeNull();
});
