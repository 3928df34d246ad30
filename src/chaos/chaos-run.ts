// One run of chaos: load from the first moment to the last, acts in turn until the time is up, each followed by a wait
// until the pool has recovered. Collects the account; who reads it is somebody else's business.

import { waitFor, type Clock } from '../core/clock.js';
import { UnderstudyError } from '../core/errors.js';
import type { Random } from '../core/random.js';
import type { StatusView } from '../admin/status-view.js';
import type { Act, Stage } from './acts.js';
import { ChaosAccount, type ChaosReport } from './chaos-account.js';
import { ClientLoad, type ClientRequest } from './client-load.js';
import type { RehearsalInstance } from './rehearsal-instance.js';

export interface ChaosRunOptions {
  readonly instance: RehearsalInstance;
  readonly folder: string;
  readonly modes: readonly string[];
  readonly acts: readonly Act[];
  readonly forMs: number;
  /** Ends it earlier, once each act was played so often. */
  readonly rounds?: number;
  readonly connections: number;
  readonly next: () => ClientRequest;
  readonly clock: Clock;
  readonly random: Random;
  /** Ends it early; the report is of what was done. */
  readonly signal?: AbortSignal;
  readonly onAct?: (name: string) => void;
}

const THINK_MS = 5;
const WARM_UP_MS = 500;
const LOOK_EVERY_MS = 50;
/** No fault is noticed at once: a pool that looks whole right after one has not seen it yet. */
const NOTICE_MS = 1_000;
/** A pool that has not recovered by then goes on with the next act; the account shows what it cost. */
const RECOVERY_LIMIT_MS = 20_000;

export async function runActs(options: ChaosRunOptions): Promise<ChaosReport> {
  const { instance, clock, signal } = options;
  const account = new ChaosAccount(await instance.metrics());
  const load = new ClientLoad({
    url: () => instance.url,
    connections: options.connections,
    thinkMs: THINK_MS,
    clock,
    next: options.next,
    onOutcome: (outcome) => account.noteOutcome(outcome),
  });
  try {
    await pause(clock, WARM_UP_MS, signal);
    await playInTurn(options, account);
  } finally {
    await load.stop(signal);
  }
  return account.report(await instance.metrics());
}

async function playInTurn(options: ChaosRunOptions, account: ChaosAccount): Promise<void> {
  const { acts, clock, forMs, rounds = Infinity, signal } = options;
  const endMs = clock.now() + forMs;
  for (let turn = 0; turn < rounds * acts.length; turn += 1) {
    if (clock.now() >= endMs || signal?.aborted === true) return;
    const act = acts[turn % acts.length]!;
    options.onAct?.(act.name);
    account.beginAct(act.name);
    await play(act, options, account);
    await recovered(options, account);
  }
}

/** An act that is broken off by the signal has not failed; one that the instance refuses is told beside the others. */
async function play(act: Act, options: ChaosRunOptions, account: ChaosAccount): Promise<void> {
  try {
    await act.play(stageOf(options));
  } catch (error) {
    if (options.signal?.aborted === true) return;
    if (!(error instanceof UnderstudyError)) throw error;
    account.noteRefusal(error.message);
  }
}

function stageOf({ instance, folder, modes, clock, random, signal }: ChaosRunOptions): Stage {
  return { instance, folder, modes, clock, random, signal };
}

async function recovered({ instance, clock, signal }: ChaosRunOptions, account: ChaosAccount): Promise<void> {
  const limitMs = clock.now() + RECOVERY_LIMIT_MS;
  await pause(clock, NOTICE_MS, signal);
  do {
    await pause(clock, LOOK_EVERY_MS, signal);
    const status = await instance.status();
    account.noteStatus(status);
    if (isWhole(status)) return;
  } while (clock.now() < limitMs && signal?.aborted !== true);
}

const AT_REST = new Set(['active', 'standby', 'off']);

/** The mode's shape stands and everything in traffic is well. */
function isWhole({ mode, backends }: StatusView): boolean {
  const workers = backends.flatMap((backend) => backend.workers);
  const well = workers.every(
    ({ state, health, breaker }) => state !== 'active' || (health === 'well' && breaker === 'closed'),
  );
  return mode.converged && well && workers.every(({ state }) => AT_REST.has(state));
}

function pause(clock: Clock, durationMs: number, signal?: AbortSignal): Promise<void> {
  return waitFor(clock, durationMs, signal).catch(() => undefined);
}
