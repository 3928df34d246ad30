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

test.each([
  ['of the usual nice', getPriority(), getPriority() + 10],
  ['that is nice itself', 15, 19],
])(
  "in a process %s the engine's threads get a lower priority, the one that serves and libuv's keep theirs",
  (_what, own, theirs) => {
    const script = `(await import('node:os')).setPriority(0, ${own});${STAY}`;
    return onFirstMessage(script, (_message, pid) => {
      const nices = nicesOf(pid);
      expect(nices[0]).toBe(own);
      expect(nices.slice(-4)).toEqual([own, own, own, own]);
      const lowered = nices.slice(1, -4);
      // V8 has four helpers (--v8-pool-size); Node has one or two of its own.
      expect(lowered.length).toBeGreaterThanOrEqual(4);
      expect(new Set(lowered)).toEqual(new Set([theirs]));
    });
  },
);

test('what is made young stays young, however many of its kind have survived', () => {
  const flags = ['--allow-natives-syntax', '--expose-gc', '--min-semi-space-size=16'];
  const script = `${TUNE}
    const kept = [];
    const make = (number) => ({ number, list: [number] });
    for (let round = 0; round < 6; round += 1) {
      for (let number = 0; number < 20_000; number += 1) kept.push(make(number));
      gc({ type: 'minor' });
    }
    for (let number = 0; number < 200_000; number += 1) make(number);
    process.send(%InYoungGeneration(make(1)));
  `;
  return onFirstMessage(script, (young) => expect(young).toBe(true), flags);
});

/** Runs a script, and ends it whatever becomes of it. */
async function onFirstMessage(
  script: string,
  check: (message: unknown, pid: number) => void,
  flags: readonly string[] = [],
): Promise<void> {
  const stdio = ['ignore', 'ignore', 'inherit', 'ipc'] as const;
  const child = spawn(process.execPath, [...flags, '--input-type=module', '-e', script], { stdio: [...stdio] });
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
