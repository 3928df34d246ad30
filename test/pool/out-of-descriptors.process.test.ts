// What becomes of our judgement when we have used up our own descriptors: real ones, in a process with few of them.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';

const PROGRAM = join(import.meta.dirname, '..', 'fixtures', 'out-of-descriptors.js');

test('without descriptors of our own nobody is taken for broken or gone, and no program for run', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'understudy-descriptors-'));
  try {
    const script = 'ulimit -n 128; exec "$0" "$1" "$2"';
    const stdio = ['ignore', 'pipe', 'inherit'] as const;
    const child = spawn('sh', ['-c', script, process.execPath, PROGRAM, folder], { stdio: [...stdio] });
    let output = '';
    child.stdout.on('data', (text) => (output += String(text)));
    await expect(once(child, 'close')).resolves.toEqual([0, null]);
    expect(JSON.parse(output)).toEqual({
      probe: { kind: 'unknown', reason: 'EMFILE' },
      living: { self: true, nobody: false },
      ranHere: { kind: 'unrunnable', reason: 'EMFILE' },
      another: { kind: 'unrunnable', reason: expect.stringContaining('EMFILE') },
      stillLaunching: { kind: 'exited', code: 0, stdout: '', stderr: '' },
      workerLives: true,
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
