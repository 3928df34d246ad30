import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ChildOutput } from '../../support/child-output.js';
import { freePorts } from '../../support/free-port.js';

const PROGRAM = join(import.meta.dirname, '..', '..', '..', 'src', 'chaos', 'faulty-worker.js');
/** Never listens, and tells by its code that it was asked to end. */
const SILENT = `process.on('SIGTERM', () => process.exit(7)); console.log('begun'); setInterval(() => undefined, 1000);`;

let folder: string;
let worker: ChildProcess | undefined;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'understudy-test-'));
});
afterEach(() => {
  if (worker?.pid !== undefined && worker.exitCode === null) process.kill(-worker.pid, 'SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

test('a worker that is told to end before its server accepts ends with it', async () => {
  const [port] = await freePorts(1);
  const args = ['--port', String(port), '--folder', folder, '--', process.execPath, '-e', SILENT];
  worker = spawn(process.execPath, [PROGRAM, ...args], { detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  const output = new ChildOutput(worker);
  await output.waitFor(/begun/);
  const exited = once(worker, 'exit');
  worker.kill('SIGTERM');
  expect(await exited).toEqual([7, null]);
  expect(output.all).not.toContain('Error');
});
