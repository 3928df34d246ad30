// Starts a worker's command once, asks its health path until it answers, and ends it again, its whole process group.

import { execa } from 'execa';
import { request } from 'undici';
import { waitFor, type Clock } from '../core/clock.js';
import { errorMessage } from '../core/errors.js';
import { exitCodeOfSignal } from './held-command.js';

export interface TrialOptions {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly url: string;
  readonly timeoutMs: number;
}

export type HealthTrial =
  | { readonly kind: 'answered'; readonly status: number; readonly afterMs: number }
  /** `reason` goes on after "one worker was tried, and". */
  | { readonly kind: 'failed'; readonly reason: string };

const ASK_EVERY_MS = 100;
const TAIL_LINES = 8;
const ENDING_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

export async function tryHealthPath(
  command: readonly string[],
  options: TrialOptions,
  clock: Clock,
): Promise<HealthTrial> {
  const [program = '', ...args] = command;
  const { cwd, env } = options;
  // It is in a group of its own, so that all of it can be ended: nobody else would.
  const leaders: number[] = [];
  const endTrial = () => leaders.forEach(endGroup);
  const endWithUs = (signal: NodeJS.Signals) => {
    endTrial();
    process.exit(exitCodeOfSignal(signal));
  };
  for (const signal of ENDING_SIGNALS) process.on(signal, endWithUs);
  const child = execa(program, args, { cwd, env, all: true, stdin: 'ignore', reject: false, detached: true });
  if (child.pid !== undefined) leaders.push(child.pid);
  const ended = new AbortController();
  const exit = child.then((result): HealthTrial => {
    ended.abort(new Error('it ended'));
    const output = (result.all ?? '').trim().split('\n').slice(-TAIL_LINES).join('\n');
    return { kind: 'failed', reason: `it ended (${result.shortMessage ?? `code ${result.exitCode}`}). ${output}` };
  });
  try {
    return await Promise.race([exit, askUntilAnswered(options, { clock, signal: ended.signal })]);
  } finally {
    endTrial();
    await exit;
    for (const signal of ENDING_SIGNALS) process.off(signal, endWithUs);
  }
}

async function askUntilAnswered(
  { url, timeoutMs }: TrialOptions,
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<HealthTrial> {
  const startedAt = clock.now();
  let last = 'it was not asked';
  while (clock.now() - startedAt < timeoutMs && !signal.aborted) {
    try {
      const leftMs = Math.max(1, timeoutMs - (clock.now() - startedAt));
      const { statusCode, body } = await request(url, { signal, headersTimeout: leftMs, bodyTimeout: leftMs });
      await body.dump();
      return { kind: 'answered', status: statusCode, afterMs: clock.now() - startedAt };
    } catch (error) {
      last = errorMessage(error);
    }
    await waitFor(clock, ASK_EVERY_MS, signal).catch(() => undefined);
  }
  return { kind: 'failed', reason: `${url} did not answer within ${timeoutMs / 1000} s: ${last}` };
}

/** It is nobody's worker yet: nothing is lost with it. */
function endGroup(leader: number): void {
  try {
    process.kill(-leader, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}
