// What clients of a model server ask, in proportion: small answers, slow ones, uploads, event streams.

import type { ClientRequest } from '../../src/chaos/client-load.js';
import type { Random } from '../../src/core/random.js';

const UPLOAD = 'x'.repeat(16 * 1024);

const SHARES: readonly (readonly [share: number, request: () => ClientRequest])[] = [
  [0.5, () => ({ method: 'GET', path: '/' })],
  [0.2, () => ({ method: 'GET', path: '/slow?ms=30' })],
  [0.1, () => ({ method: 'GET', path: '/stream?n=5&ms=20' })],
  [0.1, () => ({ method: 'POST', path: '/echo', body: UPLOAD })],
  [0.1, () => ({ method: 'POST', path: '/echo', body: UPLOAD, headers: { 'idempotency-key': key() } })],
];

let uploads = 0;

function key(): string {
  uploads += 1;
  return `upload-${uploads}`;
}

/** Draws the next request each time it is called. */
export function mixedLoad(random: Random): () => ClientRequest {
  return () => {
    let left = random();
    for (const [share, request] of SHARES) {
      left -= share;
      if (left < 0) return request();
    }
    return SHARES[0]![1]();
  };
}
