// What chaos does to a pool, one act at a time. An act returns when its fault has been laid; what the pool makes of it is
// watched by the run.

import { waitFor, type Clock } from '../core/clock.js';
import { errorCode } from '../core/errors.js';
import type { Random } from '../core/random.js';
import type { WorkerStatus } from '../admin/status-view.js';
import { setStartFault, tryOrderFault, type RelayFault, type StartFault } from './fault.js';
import type { RehearsalInstance } from './rehearsal-instance.js';

export interface Stage {
  readonly instance: RehearsalInstance;
  /** Where the workers take orders. */
  readonly folder: string;
  readonly modes: readonly string[];
  readonly clock: Clock;
  readonly random: Random;
  /** No act waits once it aborts. */
  readonly signal?: AbortSignal;
}

export interface Act {
  readonly name: string;
  readonly play: (stage: Stage) => Promise<void>;
}

/** Every worker that starts meanwhile has the fault. */
const START_FAULT_MS = 1_000;
const SLOW_START_MS = 1_500;

export const acts: readonly Act[] = [
  { name: 'kill -9 of one', play: (stage) => signalOne(stage, 'SIGKILL') },
  { name: 'kill -9 of all', play: killAll },
  { name: 'SIGSTOP of one', play: (stage) => signalOne(stage, 'SIGSTOP') },
  { name: 'hang', play: (stage) => order(stage, { kind: 'hang', forMs: 1_500 }) },
  { name: 'refuse', play: (stage) => order(stage, { kind: 'refuse', forMs: 1_000 }) },
  { name: '503 burst', play: (stage) => order(stage, { kind: 'answer-503', forMs: 1_000 }) },
  { name: 'reset mid-body', play: (stage) => order(stage, { kind: 'reset-mid-body', forMs: 500 }) },
  { name: 'slow start', play: (stage) => killIntoFault(stage, { kind: 'slow', delayMs: SLOW_START_MS }) },
  { name: 'crash at start', play: (stage) => killIntoFault(stage, { kind: 'crash' }) },
  { name: 'mode switch', play: switchMode },
];

async function signalOne(stage: Stage, signal: NodeJS.Signals): Promise<void> {
  signalGroup(await victim(stage), signal);
}

async function killAll({ instance }: Stage): Promise<void> {
  for (const worker of await instance.activeWorkers()) signalGroup(worker, 'SIGKILL');
}

async function order(stage: Stage, fault: { readonly kind: RelayFault; readonly forMs: number }): Promise<void> {
  const worker = await victim(stage);
  if (worker === undefined) return;
  const taken = await tryOrderFault(stage.folder, Number(new URL(worker.url).port), fault);
  if (taken) await waitFor(stage.clock, fault.forMs, stage.signal);
}

async function killIntoFault(stage: Stage, fault: StartFault): Promise<void> {
  setStartFault(stage.folder, fault);
  try {
    await signalOne(stage, 'SIGKILL');
    await waitFor(stage.clock, START_FAULT_MS, stage.signal);
  } finally {
    setStartFault(stage.folder, undefined);
  }
}

/** To the next mode in the config's order. */
async function switchMode({ instance, modes, signal }: Stage): Promise<void> {
  const { mode } = await instance.status();
  const next = modes[(modes.indexOf(mode.target) + 1) % modes.length]!;
  await instance.setMode(next, signal);
}

async function victim({ instance, random }: Stage): Promise<WorkerStatus | undefined> {
  const workers = await instance.activeWorkers();
  return workers[Math.floor(random() * workers.length)];
}

/** A worker leads its group; one that has just ended by itself is no victim any more. */
function signalGroup(worker: WorkerStatus | undefined, signal: NodeJS.Signals): void {
  if (worker === undefined || worker.pid === null) return;
  try {
    process.kill(-worker.pid, signal);
  } catch (error) {
    if (errorCode(error) !== 'ESRCH') throw error;
  }
}
