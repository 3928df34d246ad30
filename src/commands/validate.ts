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
  const signals = new HeldSignals();
  let restoreSession = () => Promise.resolve();
  try {
    await takeWithProgress(client, keeper, { terminal, signal: signals.aborted });
    if (signals.first === undefined)
      restoreSession = await lowerOurselves(client, { warn: say, signal: signals.aborted });
    if (signals.first !== undefined) return exitCodeOfSignal(signals.first);
    say(`the pool is in ${mode}; running ${command.join(' ')}`);
    return await runHeldCommand(command);
  } catch (error) {
    if (signals.first === undefined) throw error;
    return exitCodeOfSignal(signals.first);
  } finally {
    await restoreSession();
    if (await keeper.giveBack()) say(`lease on ${mode} given back`);
    signals.release();
  }
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Holds signals back until everything is given back: one that ended us before would leave the lease and our shell's priority. */
class HeldSignals {
  readonly #controller = new AbortController();
  /** The first one. The command gets what comes while it runs. */
  first: NodeJS.Signals | undefined;
  readonly #note = (signal: NodeJS.Signals) => {
    this.first ??= signal;
    this.#controller.abort();
  };

  constructor() {
    for (const signal of SIGNALS) process.on(signal, this.#note);
  }

  get aborted(): AbortSignal {
    return this.#controller.signal;
  }

  release(): void {
    for (const signal of SIGNALS) process.off(signal, this.#note);
  }
}

/** Takes on the priority that the mode has for jobs, so that the command inherits it. */
async function lowerOurselves(
  client: AdminClient,
  { warn, signal }: { readonly warn: (message: string) => void; readonly signal: AbortSignal },
): Promise<() => Promise<void>> {
  const { instance, mode } = await client.status(signal);
  return takeJobPriority(mode.job, { clock: systemClock, instancePid: instance.pid, warn });
}

/** When the signal gives up the wait it returns, as a rule without a lease; one may have come in the same moment. */
async function takeWithProgress(
  client: AdminClient,
  keeper: LeaseKeeper,
  { terminal, signal }: { readonly terminal: Terminal; readonly signal: AbortSignal },
): Promise<void> {
  const done = new AbortController();
  const progress = showProgress(client, { terminal, startedAt: systemClock.now(), signal: done.signal });
  try {
    await keeper.take(signal);
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    done.abort();
    await progress;
  }
}

/** A user without a name, as in many containers, is shown by number. */
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
