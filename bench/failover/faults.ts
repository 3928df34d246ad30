// The faults of the side by side: what is done to the workers, the same behind every proxy.

import { tryOrderFault } from '../../src/chaos/fault.js';
import type { Front } from './front.js';

export interface Fault {
  readonly name: string;
  readonly strike: (front: Front) => Promise<void>;
}

const ORDERED_FOR_MS = 1_000;

export const faults: readonly Fault[] = [
  { name: 'kill-one', strike: (front) => signalFirst(front, 1, 'SIGKILL') },
  { name: 'kill-all', strike: (front) => signalFirst(front, Infinity, 'SIGKILL') },
  { name: 'stop-one', strike: (front) => signalFirst(front, 1, 'SIGSTOP') },
  { name: 'refuse-one', strike: (front) => orderFirst(front, 'refuse') },
  { name: '503-one', strike: (front) => orderFirst(front, 'answer-503') },
];

async function signalFirst(front: Front, count: number, signal: NodeJS.Signals): Promise<void> {
  for (const { pid } of (await front.activeWorkers()).slice(0, count)) process.kill(-pid, signal);
}

async function orderFirst(front: Front, kind: 'refuse' | 'answer-503'): Promise<void> {
  const [victim] = await front.activeWorkers();
  const taken = await tryOrderFault(front.folder, victim!.port, { kind, forMs: ORDERED_FOR_MS });
  if (!taken) throw new Error(`the worker on ${victim!.port} took no order`);
}
