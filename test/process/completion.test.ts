// The completion script in a real bash, before a running instance.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { CLI_PATH, runCli, UnderstudyProcess } from '../support/understudy-process.js';

let instance: UnderstudyProcess;
let script: string;

beforeAll(async () => {
  instance = await UnderstudyProcess.start();
  script = (await runCli(['completion'])).stdout;
  const command = `#!/bin/sh\nexec ${process.execPath} ${CLI_PATH} "$@" --config ${instance.configPath}\n`;
  writeFileSync(join(instance.folder, 'understudy'), command);
  chmodSync(join(instance.folder, 'understudy'), 0o755);
});
afterAll(() => instance.dispose());

/** What bash would offer behind these words; the last one is being typed. */
async function offersFor(...words: readonly string[]): Promise<string[]> {
  const typed = ['understudy', ...words].map((word) => `'${word}'`).join(' ');
  const ask = `COMP_WORDS=(${typed}); COMP_CWORD=${words.length}; _understudy; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const env = { ...process.env, PATH: `${instance.folder}:${process.env['PATH']}` };
  const { stdout } = await promisify(execFile)('bash', ['-c', `${script}\n${ask}`], { env });
  return stdout.split('\n').filter(Boolean);
}

describe('understudy completion', () => {
  test('offers every command that the help names', async () => {
    const { stdout } = await runCli(['--help']);
    const named = [...stdout.matchAll(/^ {2}understudy ([a-z]+)/gm)].map(([, name]) => name!);
    expect(named.length).toBeGreaterThan(10);
    expect(await offersFor('')).toEqual(expect.arrayContaining(named));
  });

  test('offers the backends of the running instance', async () => {
    expect(await offersFor('drain', '')).toEqual(['primary', 'secondary', 'fallback']);
    expect(await offersFor('why', 'fa')).toEqual(['fallback']);
  });
});
