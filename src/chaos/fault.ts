// The faults that a faulty worker can be told to have, and how it is told: one line of JSON on its Unix socket. What it
// shall do when it starts next lies in a file, since nobody can talk to it before.

import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { systemClock } from '../core/clock.js';

export const RELAY_FAULTS = ['hang', 'refuse', 'answer-503', 'reset-mid-body'] as const;

export type RelayFault = (typeof RELAY_FAULTS)[number];

export interface FaultOrder {
  readonly kind: RelayFault;
  /** It ends by itself, so that a fault never outlives whoever gave the order. */
  readonly forMs: number;
}

export type StartFault = { readonly kind: 'slow'; readonly delayMs: number } | { readonly kind: 'crash' };

/** Named by port: short enough for a Unix socket's path, and what both sides know. */
export function faultSocketPath(folder: string, port: number): string {
  return join(folder, `${port}.sock`);
}

/** A worker that is stopped takes no orders. */
const ANSWER_LIMIT_MS = 1_000;

/** Resolves with whether the worker on this port has the fault now: it may be gone, or stopped. */
export function tryOrderFault(folder: string, port: number, order: FaultOrder): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(faultSocketPath(folder, port));
    const settle = (taken: boolean) => {
      timer.cancel();
      socket.destroy();
      resolve(taken);
    };
    const timer = systemClock.startTimer(ANSWER_LIMIT_MS, () => settle(false));
    socket.on('error', () => settle(false));
    socket.once('close', () => settle(false));
    // Its confirmation.
    socket.once('data', () => settle(true));
    socket.write(`${JSON.stringify(order)}\n`);
  });
}

const START_FILE = 'at-start.json';

/** Every worker that starts from now on has the fault; undefined: none. */
export function setStartFault(folder: string, fault: StartFault | undefined): void {
  if (fault === undefined) rmSync(join(folder, START_FILE), { force: true });
  else writeFileSync(join(folder, START_FILE), JSON.stringify(fault));
}

export function readStartFault(folder: string): StartFault | undefined {
  try {
    return JSON.parse(readFileSync(join(folder, START_FILE), 'utf8')) as StartFault;
  } catch {
    return undefined;
  }
}
