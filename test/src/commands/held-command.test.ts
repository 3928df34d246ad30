import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { requireRunnable, runHeldCommand } from '../../../src/commands/held-command.js';

const PATH = process.env['PATH'];
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'understudy-held-'));
  process.env['PATH'] = folder;
});
afterEach(() => {
  process.env['PATH'] = PATH;
  rmSync(folder, { recursive: true });
});

function script(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text, { mode: 0o755 });
  return path;
}

describe('before a lease is taken, a command', () => {
  test('may be a script by its path, or by its name on the search path', () => {
    const path = script('job', '#!/bin/sh\n');
    for (const program of [path, 'job']) expect(() => requireRunnable([program])).not.toThrow();
  });

  test('is refused when it is a folder', () => {
    mkdirSync(join(folder, 'jobs'));
    const refused = { code: 'held-command-not-executable', message: expect.stringContaining('may not be executed') };
    expect(() => requireRunnable([join(folder, 'jobs')])).toThrow(expect.objectContaining(refused));
    expect(() => requireRunnable(['jobs'])).toThrow(expect.objectContaining({ code: 'no-such-command' }));
  });

  test.each([[[]], [['']], [['', 'true']]])('is asked for when there is none: %j', (command) => {
    expect(() => requireRunnable(command)).toThrow(expect.objectContaining({ code: 'usage' }));
  });
});

describe('a command that can not be started', () => {
  test.each(['#!/nowhere/sh\n', '#!/bin/sh\r\n'])('says that its interpreter is missing: %j', async (text) => {
    const path = script('job', text);
    for (const program of [path, 'job']) {
      expect(() => requireRunnable([program])).not.toThrow();
      await expect(runHeldCommand([program])).rejects.toMatchObject({
        code: 'no-such-command',
        message: expect.stringMatching(/^Cannot run \S*job: its interpreter is missing/),
      });
    }
  });

  test('says so in one line when the system refuses it for another reason', async () => {
    const path = script('job', '#!/bin/sh\n');
    await expect(runHeldCommand([path, 'x'.repeat(4_000_000)])).rejects.toMatchObject({
      code: 'held-command-not-executable',
      message: expect.stringMatching(/^Cannot run \S*job: .*E2BIG.*$/),
    });
  });
});
