// On processes of their own, since the engine's threads and flags are what is changed.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { getPriority } from 'node:os';
import { resolve } from 'node:path';
import { expect, test } from '@jest/globals';
import { threadsOf } from '../../src/core/threads.js';

const MODULE = resolve('dist/src/engine-tuning.js');
const TUNE = `await (await import(${JSON.stringify(MODULE)})).tuneEngine();`;
const STAY = `${TUNE}
  process.send('tuned');
  setInterval(() => undefined, 1000);
`;

test('the threads of the engine get a lower priority, those that serve and those of libuv keep theirs', () =>
  onFirstMessage(STAY, (_message, pid) => {
    const nices = nicesOf(pid);
    expect(nices[0]).toBe(0);
    expect(nices.slice(-4)).toEqual([0, 0, 0, 0]);
    const lowered = nices.slice(1, -4);
    // V8 has four helpers (--v8-pool-size); Node has one or two of its own.
    expect(lowered.length).toBeGreaterThanOrEqual(4);
    expect(new Set(lowered)).toEqual(new Set([10]));
  }));

/** Runs a script, and ends it whatever becomes of it. */
async function onFirstMessage(script: string, check: (message: unknown, pid: number) => void): Promise<void> {
  const stdio = ['ignore', 'ignore', 'inherit', 'ipc'] as const;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: [...stdio] });
  const exited = once(child, 'exit');
  try {
    const [message] = (await once(child, 'message')) as [unknown];
    check(message, child.pid!);
  } finally {
    child.kill('SIGKILL');
    await exited;
  }
}

/** In the order in which the threads began. */
function nicesOf(pid: number): number[] {
  return threadsOf(pid)
    .sort((one, other) => one - other)
    .map((thread) => getPriority(thread));
}
