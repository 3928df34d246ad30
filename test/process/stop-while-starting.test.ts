// A stop that comes while models are still being loaded is an orderly end, whoever asks for it.
import { afterEach, expect, test } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { readProcess } from '../../pool/process-table.js';
import { UnderstudyProcess } from '../support/understudy-process.js';

const NEVER_READY = [
  process.execPath,
  join(process.cwd(), 'dist', 'test', 'fixtures', 'node-worker.js'),
  '{port}',
  'never-ready',
];

let instance: UnderstudyProcess;

afterEach(() => instance.dispose());

test('understudy stop ends the run with success, and its workers with it', async () => {
  instance = await UnderstudyProcess.prepare({ config: { command: NEVER_READY } });
  instance.launch();
  await untilUp();
  const starting = await instance.waitForStatus(({ backends }) =>
    backends.every(
      ({ workers }) => workers.length > 0 && workers.every(({ state, pid }) => state === 'starting' && pid !== null),
    ),
  );
  const pids = starting.backends.flatMap(({ workers }) => workers).map(({ pid }) => pid!);
  expect(await instance.command('stop')).toMatchObject({ code: 0, stdout: 'stopped\n' });
  expect(await instance.waitForExit()).toBe(0);
  expect(instance.stderr).not.toMatch(/stopping|error/i);
  for (const pid of pids) expect([undefined, 'Z']).toContain(readProcess(pid)?.state);
});

test.each([
  ['fails', (gate: string) => rmSync(gate, { recursive: true }), 1],
  ['is interrupted', () => instance.signal('SIGINT'), 0],
])('who waits for a worker while a start %s is told at once that none will come', async (_how, end, code) => {
  const gate = mkdtempSync(join(tmpdir(), 'understudy-gate-'));
  const command = ['sh', '-c', 'while [ -e "$0" ]; do sleep 0.05; done; exit 1', gate, '{port}'];
  const waitingRoom = { deadline: '10m' };
  instance = await UnderstudyProcess.prepare({ config: { command, waitingRoom, stop: { drainTimeout: '10m' } } });
  instance.launch();
  await untilUp();
  const answer = fetch(instance.url);
  await instance.waitForStatusChange(({ front }) => front.waiting === 1);
  end(gate);
  expect(await (await answer).json()).toMatchObject({ code: 'shutting-down' });
  expect(await instance.waitForExit()).toBe(code);
  rmSync(gate, { recursive: true, force: true });
});

async function untilUp(): Promise<void> {
  const isUp = () =>
    fetch(`http://127.0.0.1:${instance.adminPort}/livez`).then(
      () => true,
      () => false,
    );
  while (!(await isUp())) await setImmediate();
}
