// Free TCP ports on loopback for this test: each of Jest's workers looks in a share of its own, so that what one has chosen
// and not yet started cannot be chosen by the other.

import { freePorts as freePortsOf, rangeBesideEphemeral, readEphemeralRange } from '../../src/core/free-ports.js';

const SHARES = 8;

export function freePorts(count: number): Promise<readonly number[]> {
  const share = (Number(process.env['JEST_WORKER_ID'] ?? 1) - 1) % SHARES;
  const { from, to } = rangeBesideEphemeral(readEphemeralRange());
  const size = Math.floor((to - from) / SHARES);
  return freePortsOf(count, { range: { from: from + share * size, to: from + (share + 1) * size } });
}
