// Runs a program that may hang, and does not hang with it: past the deadline its whole group is killed and nobody
// waits for it any more, not even when the kernel can't end it (a process stuck in a driver).
import { spawn, type ChildProcess } from 'node:child_process';
import type { Clock } from '../../src/core/clock.js';
import { errorCode, errorMessage } from '../../src/core/errors.js';

export type RunResult =
  | { readonly kind: 'exited'; readonly code: number | null; readonly stdout: string; readonly stderr: string }
  | { readonly kind: 'not-found' }
  | { readonly kind: 'unrunnable'; readonly reason: string }
  | { readonly kind: 'overdue' }
  | { readonly kind: 'too-much-output' };

interface RunOptions {
  readonly clock: Clock;
  readonly deadlineMs: number;
}

/** Runs a program to its end, wherever that costs requests the least. Never rejects, and ends by the deadline. */
export type RunProgram = (command: readonly string[], deadlineMs: number) => Promise<RunResult>;

/** By a fork of our own process. */
export function runningHere(clock: Clock): RunProgram {
  return (command, deadlineMs) => runWithDeadline(command, { clock, deadlineMs });
}

const MAX_OUTPUT_BYTES = 256 * 1024;

/** Groups of those that run now. */
const running = new Set<number>();

/** For whoever ends: nobody else would keep their deadlines. */
export function endRunning(): void {
  for (const group of running) killGroup(group);
}

function runWithDeadline(command: readonly string[], options: RunOptions): Promise<RunResult> {
  const [program = '', ...args] = command;
  return new Promise((resolve) => {
    let child: ChildProcess;
    try {
      // Its own group: a wrapper script that hangs leaves a child behind that would hold our pipes open.
      child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    } catch (error) {
      // Without memory for a fork, say.
      return resolve(failureOf(error));
    }
    const { pid } = child;
    if (pid !== undefined) running.add(pid);
    const output = { stdout: '', stderr: '' };
    const finish = (result: RunResult) => {
      if (pid !== undefined) running.delete(pid);
      timer.cancel();
      resolve(result);
    };
    const giveUp = (result: RunResult) => {
      killGroup(pid);
      child.stdout?.destroy();
      child.stderr?.destroy();
      child.unref();
      finish(result);
    };
    const timer = options.clock.startTimer(options.deadlineMs, () => giveUp({ kind: 'overdue' }));
    for (const name of ['stdout', 'stderr'] as const) {
      // Without descriptors for them there are none, whatever the types say, and an 'error' follows.
      const stream = child[name];
      stream?.setEncoding('utf8').on('data', (text: string) => {
        output[name] += text;
        if (output[name].length > MAX_OUTPUT_BYTES) giveUp({ kind: 'too-much-output' });
      });
      stream?.on('error', (error) => giveUp(failureOf(error)));
    }
    child.on('error', (error) => finish(failureOf(error)));
    child.once('close', (code) => finish({ kind: 'exited', code, ...output }));
  });
}

function failureOf(error: unknown): RunResult {
  const code = errorCode(error);
  return code === 'ENOENT' ? { kind: 'not-found' } : { kind: 'unrunnable', reason: code ?? errorMessage(error) };
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended meanwhile.
  }
}
