// From nothing to a config that is right: what `init` writes, and what `check` says of it and of mistakes.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runCli } from '../support/understudy-process.js';

let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'understudy-init-'));
  path = join(folder, 'understudy.yaml');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('understudy init', () => {
  test('writes a commented config that check finds right, and never over one that is there', async () => {
    expect(await runCli(['init', '--config', path])).toMatchObject({ code: 0, stderr: '' });
    const written = readFileSync(path, 'utf8');
    expect(written).toMatch(/^# yaml-language-server: \$schema=/);
    const checked = await runCli(['check', '--config', path]);
    expect(checked).toMatchObject({ code: 0, stderr: '' });
    expect(checked.stdout).toMatch(/ok\nfront +http:\/\/127\.0\.0\.1:9000\nbackends +primary, secondary, fallback\n/);

    writeFileSync(path, 'mine');
    const again = await runCli(['init', '--config', path]);
    expect(again).toMatchObject({ code: 1, stderr: expect.stringContaining('it exists already; --force') });
    expect(readFileSync(path, 'utf8')).toBe('mine');
    expect(await runCli(['init', '--config', path, '--force'])).toMatchObject({ code: 0 });
    expect(readFileSync(path, 'utf8')).toBe(written);
  });
});

describe('understudy check', () => {
  test('tells every problem with its path and what was probably meant', async () => {
    writeFileSync(path, 'frnt: { port: 9000 }\nhealth: { interval: soon }\nbalance: { policy: round-robbin }\n');
    const { code, stdout, stderr } = await runCli(['check', '--config', path]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(`3 problems in ${path}:`);
    expect(stderr).toMatch(/^ {2}frnt: .* Did you mean 'front'\?$/m);
    expect(stderr).toMatch(/^ {2}health\.interval: /m);
    expect(stderr).toMatch(/^ {2}balance\.policy: .*round-robin/m);
  });
});
