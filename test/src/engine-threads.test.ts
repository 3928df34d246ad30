// On a process of its own, since its threads are what is changed.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, test } from '@jest/globals';

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

/** Field 19 of proc_pid_stat(5), by thread in the order in which they began. */
function nicesOf(pid: number): number[] {
  const threads = readdirSync(`/proc/${pid}/task`).map(Number);
  return threads
    .sort((one, other) => one - other)
    .map((thread) => {
      const stat = readFileSync(`/proc/${pid}/task/${thread}/stat`, 'latin1');
      return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19 - 3]);
    });
}
