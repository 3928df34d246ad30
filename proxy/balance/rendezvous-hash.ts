// Sticky: the same key goes to the same upstream. Rendezvous hashing (Thaler and Ravishankar 1998): every upstream is
// scored with the key and the best score wins, so that a change of the pool moves only the keys of what changed.

import type { Upstream } from '../upstream.js';
import type { BalanceContext, Balancer } from './balancer.js';

export class RendezvousHash implements Balancer {
  pick(candidates: readonly Upstream[], context: BalanceContext): Upstream {
    let best = candidates[0]!;
    let bestScore = -1;
    for (const candidate of candidates) {
      const score = fnv1a(candidate.id, fnv1a(context.affinityKey, FNV_OFFSET));
      if (score <= bestScore) continue;
      best = candidate;
      bestScore = score;
    }
    return best;
  }
}

const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

/** FNV-1a with a final avalanche (murmur3's), without which near keys would get near scores. Unsigned 32 bits. */
function fnv1a(text: string, seed: number): number {
  let hash = seed;
  for (let index = 0; index < text.length; index += 1) hash = Math.imul(hash ^ text.charCodeAt(index), FNV_PRIME);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
