// Free TCP ports on loopback for this test: each of Jest's workers looks in a share of its own, so that what one has chosen
// and not yet started cannot be chosen by the other.

import { freePorts as freePortsOf } from '../../src/core/free-ports.js';

/** Above what fetch refuses to speak to, below the ports that a pool chooses for further workers. */
const FIRST_PORT = 10_100;
const SHARE = 1_200;
const SHARES = 8;
/** More than any test has chosen before it starts them all. */
const REMEMBERED = 300;

/** Chosen last; nobody may listen there yet. */
const chosen: number[] = [];

export async function freePorts(count: number): Promise<readonly number[]> {
  const share = (Number(process.env['JEST_WORKER_ID'] ?? 1) - 1) % SHARES;
  const from = FIRST_PORT + share * SHARE;
  const ports = await freePortsOf(count, { range: { from, to: from + SHARE }, inUse: new Set(chosen) });
  chosen.push(...ports);
  chosen.splice(0, chosen.length - REMEMBERED);
  return ports;
}
