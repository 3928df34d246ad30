import { afterEach, describe, expect, test } from '@jest/globals';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import type { StatusView } from '../../src/admin/status-view.js';
import { SteadyLoad } from '../support/steady-load.js';
import { processState, UnderstudyProcess } from '../support/understudy-process.js';
import { uvicornCommand } from '../support/uvicorn.js';

let instance: UnderstudyProcess;
let load: SteadyLoad | undefined;

afterEach(async () => {
  await load?.stop();
  load = undefined;
  // Whoever is in charge by now; the first process may have gone long ago.
  await instance.command('stop');
  await instance.waitForExit();
  await instance.dispose();
});

function workersOf(status: StatusView) {
  return status.backends
    .flatMap(({ workers }) => workers)
    .map(({ id, pid, state, restarts }) => ({ id, pid, state, restarts }));
}

async function waitUntilGone(pid: number): Promise<void> {
  while (processState(pid) !== undefined) await setImmediate();
}

describe('understudy upgrade on real uvicorn under load', () => {
  test('hands over to a new process with the same workers, losing no request and cutting no stream', async () => {
    const command = uvicornCommand('app:app', join(process.cwd(), 'examples', 'uvicorn'));
    instance = await UnderstudyProcess.start({ config: { command }, args: ['--validation'] });
    const before = await instance.status();
    load = new SteadyLoad({ url: `${instance.url}/`, connections: 4 });
    await load.waitForAnswers(50);
    const stream = await fetch(`${instance.url}/stream?n=30&ms=100`);

    const upgraded = await instance.command('upgrade');
    expect(upgraded).toMatchObject({ code: 0, stderr: '' });
    const after = await instance.status();
    expect(upgraded.stdout).toBe(`upgraded: pid ${after.instance.pid} serves now\n`);
    expect(after.instance.pid).not.toBe(instance.pid);
    expect(workersOf(after)).toEqual(workersOf(before));
    expect(after.mode).toMatchObject({ current: 'validation', converged: true });

    expect((await stream.text()).match(/^data:/gm)).toHaveLength(30);
    await waitUntilGone(instance.pid);
    await load.waitForAnswers(50);
    expect((await load.stop()).failures).toEqual([]);
    expect(await instance.command('mode', 'production', '--wait')).toMatchObject({ code: 0 });
  });
});

describe('understudy upgrade', () => {
  test('leaves the old process in charge, and says why, when the new one does not come up', async () => {
    instance = await UnderstudyProcess.start();
    const before = await instance.status();
    const good = readFileSync(instance.configPath, 'utf8');
    writeFileSync(instance.configPath, good.replace('"front"', '"fromt"'));
    const refused = await instance.admin
      .request({ method: 'POST', path: '/v1/upgrade' })
      .catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: 'upgrade-failed', message: expect.stringMatching(/goes on: .*fromt/s) });
    writeFileSync(instance.configPath, good);
    const after = await instance.status();
    expect(after.instance.pid).toBe(before.instance.pid);
    expect(workersOf(after)).toEqual(workersOf(before));
    expect(await instance.command('mode', 'validation', '--wait')).toMatchObject({ code: 0 });
  });

  test('refuses to hand over a front that the new config does not name', async () => {
    instance = await UnderstudyProcess.start();
    const good = readFileSync(instance.configPath, 'utf8');
    writeFileSync(
      instance.configPath,
      good.replace(`"port": ${instance.frontPort}`, `"port": ${instance.frontPort + 1}`),
    );
    const refused = await instance.command('upgrade');
    writeFileSync(instance.configPath, good);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(/did not come up, so this one goes on: the config says front/);
    expect((await fetch(instance.url)).status).toBe(200);
    expect((await instance.status()).instance.pid).toBe(instance.pid);
  });

  test('may be done again by the new process', async () => {
    instance = await UnderstudyProcess.start();
    const before = workersOf(await instance.status());
    for (const _ of [1, 2]) expect(await instance.command('upgrade')).toMatchObject({ code: 0 });
    expect(workersOf(await instance.status())).toEqual(before);
    await waitUntilGone(instance.pid);
    expect((await fetch(instance.url)).status).toBe(200);
  });
});
