// The faults that a faulty worker can be told to have, and how it is told: one line of JSON on its Unix socket. What it
// shall do when it starts next lies in a file, since nobody can talk to it before.

import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';

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

/** Resolves once the worker on this port has the fault. Rejects when it can't be reached. */
export function orderFault(folder: string, port: number, order: FaultOrder): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(faultSocketPath(folder, port));
    socket.once('error', reject);
    // Its confirmation.
    socket.once('data', () => {
      socket.destroy();
      resolve();
    });
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
