import { afterEach, describe, expect, test } from '@jest/globals';
import { join } from 'node:path';
import type { StatusView } from '../../src/admin/status-view.js';
import { SteadyLoad } from '../support/steady-load.js';
import { processState, UnderstudyProcess } from '../support/understudy-process.js';
import { uvicornCommand } from '../support/uvicorn.js';

const CONNECTIONS = 32;

let instance: UnderstudyProcess;
let load: SteadyLoad | undefined;

afterEach(async () => {
  await load?.stop();
  load = undefined;
  await instance.dispose();
});

async function startOnUvicorn(
  args: readonly string[] = [],
  config: Readonly<Record<string, unknown>> = {},
): Promise<void> {
  const appFolder = join(process.cwd(), 'examples', 'uvicorn');
  instance = await UnderstudyProcess.start({
    config: { command: uvicornCommand('app:app', appFolder), ...config },
    args,
  });
}

function startLoad(): SteadyLoad {
  load = new SteadyLoad({ url: `${instance.url}/`, connections: CONNECTIONS });
  return load;
}

function pidsById(status: StatusView): Map<string, number | null> {
  return new Map(status.backends.flatMap((backend) => backend.workers).map((worker) => [worker.id, worker.pid]));
}

function backendNamed(status: StatusView, name: string) {
  return status.backends.find((backend) => backend.name === name)!;
}

describe('a mode switch on real uvicorn under load', () => {
  test('fails no request and restarts no production worker when it goes to validation and back', async () => {
    await startOnUvicorn();
    const production = pidsById(await instance.status());
    const running = startLoad();
    await running.waitForAnswers(200);

    expect(await instance.command('mode', 'validation', '--wait')).toMatchObject({ code: 0 });
    const validation = await instance.status();
    expect(backendNamed(validation, 'primary')).toMatchObject({ role: 'active', workers: { length: 2 } });
    expect(backendNamed(validation, 'secondary')).toMatchObject({ role: 'active', workers: { length: 2 } });
    expect(backendNamed(validation, 'fallback')).toMatchObject({ role: 'standby', temperature: 'frozen' });
    expect(processState(backendNamed(validation, 'fallback').workers[0]!.pid!)).toBe('T');
    for (const [id, pid] of production) expect(pidsById(validation).get(id)).toBe(pid);
    await running.waitForAnswers(200);

    expect(await instance.command('mode', 'production', '--wait')).toMatchObject({ code: 0 });
    expect(pidsById(await instance.status())).toEqual(production);
    await running.waitForAnswers(200);
    expect((await running.stop()).failures).toEqual([]);
  });
});

describe('kill -9 in validation on real uvicorn under load', () => {
  test.each([
    ['one active worker', (pids: readonly number[]) => pids.slice(0, 1)],
    ['all four active workers', (pids: readonly number[]) => pids],
  ])('promotes the standby and fails no idempotent request when it hits %s', async (_what, victimsAmong) => {
    await startOnUvicorn(['--validation'], { failbackAfter: '1s' });
    const running = startLoad();
    await running.waitForAnswers(200);

    for (const pid of victimsAmong(await instance.workerPids('active'))) process.kill(pid, 'SIGKILL');
    await instance.waitForEvent((event) => event.kind === 'promotion' && event.backend === 'fallback');
    await running.waitForAnswers(200);

    await instance.waitForStatus((status) => {
      const fallback = backendNamed(status, 'fallback');
      const actives = status.backends
        .flatMap((backend) => backend.workers)
        .filter((worker) => worker.state === 'active');
      return fallback.role === 'standby' && fallback.workers[0]?.state === 'standby' && actives.length === 4;
    });
    await running.waitForAnswers(200);
    expect((await running.stop()).failures).toEqual([]);
  });
});
