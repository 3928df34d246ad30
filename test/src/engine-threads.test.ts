// On a process of its own, since its threads are what is changed.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { getPriority } from 'node:os';
import { resolve } from 'node:path';
import { expect, test } from '@jest/globals';
import { threadsOf } from '../../src/core/threads.js';

const MODULE = resolve('dist/src/engine-threads.js');
const LOWER = `
  await (await import(${JSON.stringify(MODULE)})).lowerEngineThreads();
  process.send('lowered');
  setInterval(() => undefined, 1000);
`;

test('the threads of the engine get a lower priority, those that serve and those of libuv keep theirs', async () => {
  const stdio = ['ignore', 'ignore', 'inherit', 'ipc'] as const;
  const child = spawn(process.execPath, ['--input-type=module', '-e', LOWER], { stdio: [...stdio] });
  try {
    await once(child, 'message');
    const nices = nicesOf(child.pid!);
    expect(nices[0]).toBe(0);
    expect(nices.slice(-4)).toEqual([0, 0, 0, 0]);
    const lowered = nices.slice(1, -4);
    // V8 has four helpers (--v8-pool-size); Node has one or two of its own.
    expect(lowered.length).toBeGreaterThanOrEqual(4);
    expect(new Set(lowered)).toEqual(new Set([10]));
  } finally {
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
});

/** In the order in which the threads began. */
function nicesOf(pid: number): number[] {
  return threadsOf(pid)
    .sort((one, other) => one - other)
    .map((thread) => getPriority(thread));
}
