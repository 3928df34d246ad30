// `understudy validate [--ttl S] [--mode M] -- command ...`: holds a lease on the mode while a command runs.
// The lease is renewed while the command lives; killed without a word, it runs out by itself.

import { constants } from 'node:os';
import { execa } from 'execa';
import type { AdminClient } from '../admin/admin-client.js';
import type { LeaseStatus } from '../admin/status-view.js';
import { systemClock, waitFor } from '../core/clock.js';
import { errorCode, errorMessage, UnderstudyError } from '../core/errors.js';
import { showProgress } from './mode.js';
import type { Terminal } from './terminal.js';

export interface ValidateOptions {
  readonly command: readonly string[];
  readonly mode: string;
  readonly ttlMs: number;
}

/** Signals that would end us are passed on to the command: it decides, we give the lease back. */
const FORWARDED_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** @returns the command's own exit code (128 + signal number when a signal ended it). */
export async function runValidate(client: AdminClient, options: ValidateOptions, terminal: Terminal): Promise<number> {
  const [program, ...args] = options.command;
  if (program === undefined) {
    throw new UnderstudyError('validate: which command? Write it after --, as in: understudy validate -- pytest -x', {
      code: 'usage',
      source: 'operator',
    });
  }
  const lease = await takeLease(client, options, terminal);
  const over = new AbortController();
  const renewing = renewUntil(client, lease, { ttlMs: options.ttlMs, signal: over.signal });
  try {
    return await runCommand(program, args);
  } finally {
    over.abort();
    await renewing;
    await client.request({ method: 'DELETE', path: `/v1/leases/${lease.id}` });
  }
}

async function takeLease(client: AdminClient, options: ValidateOptions, terminal: Terminal): Promise<LeaseStatus> {
  const interrupted = new AbortController();
  const onSignal = () =>
    interrupted.abort(new UnderstudyError('interrupted', { code: 'interrupted', source: 'operator' }));
  for (const name of FORWARDED_SIGNALS) process.once(name, onSignal);
  const waiting = new AbortController();
  const progress = showProgress(client, { terminal, startedAt: systemClock.now(), signal: waiting.signal });
  try {
    const holder = `pid ${process.pid}: ${options.command.join(' ')}`;
    const body = { holder, mode: options.mode, ttlMs: options.ttlMs };
    return await client.request<LeaseStatus>({
      method: 'POST',
      path: '/v1/leases?wait=true',
      body,
      signal: interrupted.signal,
    });
  } finally {
    waiting.abort();
    await progress;
    for (const name of FORWARDED_SIGNALS) process.off(name, onSignal);
  }
}

interface RenewOptions {
  readonly ttlMs: number;
  readonly signal: AbortSignal;
}

/** A renewal that fails is tried again at the next third of the ttl: the lease outlives two lost ones. */
async function renewUntil(client: AdminClient, lease: LeaseStatus, options: RenewOptions): Promise<void> {
  while (!options.signal.aborted) {
    await waitFor(systemClock, options.ttlMs / 3, options.signal).catch(() => undefined);
    if (options.signal.aborted) return;
    const body = { ttlMs: options.ttlMs };
    await client.request({ method: 'PUT', path: `/v1/leases/${lease.id}`, body }).catch(() => undefined);
  }
}

async function runCommand(program: string, args: readonly string[]): Promise<number> {
  const child = execa(program, args, { stdio: 'inherit', reject: false, cleanup: false });
  const forward = (signal: NodeJS.Signals) => void child.kill(signal);
  for (const name of FORWARDED_SIGNALS) process.on(name, forward);
  try {
    const result = await child;
    if (result.exitCode !== undefined) return result.exitCode;
    if (result.signal !== undefined) return 128 + constants.signals[result.signal];
    throw cannotRun(program, result);
  } finally {
    for (const name of FORWARDED_SIGNALS) process.off(name, forward);
  }
}

function cannotRun(program: string, cause: unknown): UnderstudyError {
  const reason = errorCode(cause) === 'ENOENT' ? 'no such program on PATH' : errorMessage(cause);
  return new UnderstudyError(`validate: cannot run '${program}': ${reason}`, {
    code: 'command-not-found',
    source: 'operator',
    cause,
  });
}
