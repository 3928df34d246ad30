// `understudy validate [--ttl 30s] [--mode M] -- command ...`: holds a mode while a command runs. Takes a lease, waits
// until the pool has that shape, runs the command, gives the lease back and exits as the command did.

import { hostname, userInfo } from 'node:os';
import type { AdminClient } from '../admin/admin-client.js';
import { parseDuration } from '../config/quantities.js';
import { systemClock } from '../core/clock.js';
import { exitCodeOfSignal, requireRunnable, runHeldCommand } from './held-command.js';
import { takeJobPriority } from './job-priority.js';
import { LeaseKeeper } from './lease-keeper.js';
import { showProgress } from './mode.js';
import type { Terminal } from './terminal.js';
import { usageError } from './usage-error.js';

export interface ValidateOptions {
  readonly mode: string;
  readonly ttlMs: number;
  /** Who is shown as the holder; user, host, pid and command by default. */
  readonly holder?: string;
  readonly command: readonly string[];
}

const LONGEST_HOLDER = 120;

/** @throws UnderstudyError `usage` when it is no duration. */
export function parseTtl(text: string): number {
  const ttlMs = parseDuration(/^\d+$/.test(text) ? `${text}s` : text);
  if (ttlMs !== undefined) return ttlMs;
  throw usageError(`--ttl: '${text}' is no duration; accepted: 30s, 5m, 1h, or a number of seconds.`);
}

/** @throws UnderstudyError when there is no command, or no lease to be had. */
export async function runValidate(client: AdminClient, options: ValidateOptions, terminal: Terminal): Promise<number> {
  const { mode, ttlMs, command } = options;
  const say = (message: string) => void terminal.stderr.write(`understudy: ${message}\n`);
  requireRunnable(command);
  const keeper = new LeaseKeeper(
    { mode, ttlMs, holder: options.holder ?? describeHolder(command) },
    { client, clock: systemClock, warn: (message) => say(`lease on ${mode}: ${message}`) },
  );
  const interrupted = await takeWithProgress(client, keeper, terminal);
  if (interrupted !== undefined) return exitCodeOfSignal(interrupted);
  let restoreSession = () => Promise.resolve();
  try {
    restoreSession = await lowerOurselves(client, say);
    say(`the pool is in ${mode}; running ${command.join(' ')}`);
    return await runHeldCommand(command);
  } finally {
    await restoreSession();
    if (await keeper.giveBack()) say(`lease on ${mode} given back`);
  }
}

/** The priority that the mode has for jobs is ours from here on, and the command inherits it. */
async function lowerOurselves(client: AdminClient, warn: (message: string) => void): Promise<() => Promise<void>> {
  const { instance, mode } = await client.status();
  return takeJobPriority(mode.job, { clock: systemClock, instancePid: instance.pid, warn });
}

/** The signal that ended the wait, if one did: the lease is not given then. */
async function takeWithProgress(
  client: AdminClient,
  keeper: LeaseKeeper,
  terminal: Terminal,
): Promise<NodeJS.Signals | undefined> {
  const giveUp = new AbortController();
  const done = new AbortController();
  let interrupted: NodeJS.Signals | undefined;
  const onSignal = (signal: NodeJS.Signals) => {
    interrupted = signal;
    giveUp.abort();
  };
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const signal of signals) process.on(signal, onSignal);
  const progress = showProgress(client, { terminal, startedAt: systemClock.now(), signal: done.signal });
  try {
    await keeper.take(giveUp.signal);
  } catch (error) {
    if (interrupted === undefined) throw error;
  } finally {
    done.abort();
    await progress;
    for (const signal of signals) process.off(signal, onSignal);
  }
  // It may have come with the answer.
  if (interrupted !== undefined) await keeper.giveBack();
  return interrupted;
}

/** A number that nobody has given a name to is one too: containers run as such. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid ${process.getuid?.() ?? 'unknown'}`;
  }
}

/** A script as an argument has line breaks, and the cut may halve a character: neither may be in a holder. Exported for its test. */
export function describeHolder(command: readonly string[]): string {
  const holder = `${userName()}@${hostname()} (pid ${process.pid}): ${command.join(' ')}`;
  const shown = holder.length <= LONGEST_HOLDER ? holder : `${holder.slice(0, LONGEST_HOLDER - 1)}…`;
  return shown.replace(/\p{C}/gu, ' ');
}
