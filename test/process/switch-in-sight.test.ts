// What an operator sees of a switch: the plan with its costs before, and the progress while it runs.
import { afterEach, expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { PlanView } from '../../src/admin/plan-view.js';
import { CLI_PATH, UnderstudyProcess } from '../support/understudy-process.js';
import { uvicornCommand } from '../support/uvicorn.js';

const MIB = 1024 ** 2;

let instance: UnderstudyProcess;

afterEach(() => instance.dispose());

/** Runs the CLI on a terminal of its own and returns what came over it. */
async function onTerminal(...args: readonly string[]): Promise<string> {
  const python = 'import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))';
  const child = spawn('/usr/bin/python3', ['-c', python, process.execPath, CLI_PATH, ...args]);
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  child.stdin.end();
  const [code] = (await once(child, 'close')) as [number];
  expect({ code, output }).toMatchObject({ code: 0 });
  return output;
}

test('a switch is told beforehand in processes and measured memory, and shows its progress on a terminal', async () => {
  const appFolder = join(process.cwd(), 'examples', 'uvicorn');
  instance = await UnderstudyProcess.start({ config: { command: uvicornCommand('app:app', appFolder) } });
  const before = await instance.workerPids();

  const { stdout } = await instance.command('mode', 'validation', '--dry-run');
  expect(stdout).toMatch(/production -> validation +processes +memory/);
  expect(stdout).toMatch(/1\. start primary\/2 +4 +\d+ MiB/);
  expect(stdout).toMatch(/before +3 +\d+ MiB\nat peak +5 +\d+ MiB\nafter +5 +\d+ MiB/);
  const path = '/v1/mode/plan?mode=validation';
  const { memoryBytes, processes } = await instance.admin.request<PlanView>({ method: 'GET', path });
  expect(memoryBytes.before! / processes.before).toBeGreaterThan(5 * MIB);
  expect(memoryBytes.before! / processes.before).toBeLessThan(200 * MIB);
  expect(memoryBytes.peak).toBeGreaterThan(memoryBytes.before!);
  expect(await instance.workerPids()).toEqual(before);

  const shown = await onTerminal('mode', 'validation', '--wait', '--config', instance.configPath);
  expect(shown).toMatch(/\r.*validation: .*(primary|secondary)\/2 starting.* \(\d+\.\d s\)/);
  expect(shown).toMatch(/validation: converged in \d+\.\d s/);
});
