import { afterEach, describe, expect, test } from '@jest/globals';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { StatusView } from '../../src/admin/status-view.js';
import { processState, UnderstudyProcess } from '../support/understudy-process.js';

let instance: UnderstudyProcess;

afterEach(() => instance.dispose());

function shapeOf(status: StatusView): string[] {
  return status.backends.map((backend) => `${backend.name} ${backend.role} x${backend.workers.length}`);
}

async function answeringPorts(count: number): Promise<number[]> {
  const ports: number[] = [];
  for (let asked = 0; asked < count; asked += 1) {
    const response = await fetch(instance.url);
    ports.push(((await response.json()) as { port: number }).port);
  }
  return ports;
}

describe('understudy run with the bundled demo backends', () => {
  test('answers from all three backends in turn', async () => {
    instance = await UnderstudyProcess.start();
    expect(new Set(await answeringPorts(9))).toEqual(new Set(instance.backendPorts));
  });

  test('shows the shape 3 x 1 in its status', async () => {
    instance = await UnderstudyProcess.start();
    const status = await instance.status();
    expect(status.mode).toMatchObject({ current: 'production', target: 'production', converged: true, leases: [] });
    expect(shapeOf(status)).toEqual(['primary active x1', 'secondary active x1', 'fallback active x1']);
  });

  test.each(['SIGINT', 'SIGTERM'] as const)('leaves no process and no socket file after %s', async (signal) => {
    instance = await UnderstudyProcess.start();
    const pids = await instance.workerPids();
    expect(pids).toHaveLength(3);
    instance.signal(signal);
    expect(await instance.waitForExit()).toBe(0);
    expect(pids.map(processState)).toEqual([undefined, undefined, undefined]);
    expect(existsSync(join(instance.runtimeDir, 'admin.sock'))).toBe(false);
  });

  test('leaves no process when it is stopped with a frozen standby', async () => {
    instance = await UnderstudyProcess.start({ args: ['--validation'] });
    const pids = await instance.workerPids();
    expect(pids).toHaveLength(5);
    expect((await instance.command('stop')).code).toBe(0);
    expect(await instance.waitForExit()).toBe(0);
    expect(pids.map(processState)).toEqual(pids.map(() => undefined));
  });

  test('starts in validation mode with --validation and goes to production with --no-validation', async () => {
    instance = await UnderstudyProcess.start({ args: ['--validation'] });
    expect(shapeOf(await instance.status())).toEqual([
      'primary active x2',
      'secondary active x2',
      'fallback standby x1',
    ]);
    const back = await instance.command('--no-validation');
    expect(back).toMatchObject({ code: 0 });
    expect(shapeOf(await instance.status())).toEqual([
      'primary active x1',
      'secondary active x1',
      'fallback active x1',
    ]);
  });
});
