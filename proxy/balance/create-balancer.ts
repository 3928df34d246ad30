// From a policy's name to the policy.

import type { Random } from '../../src/core/random.js';
import type { BalancePolicy } from '../options.js';
import type { Balancer } from './balancer.js';
import { LeastOutstanding } from './least-outstanding.js';
import { PowerOfTwo } from './power-of-two.js';
import { RandomChoice } from './random-choice.js';
import { RendezvousHash } from './rendezvous-hash.js';
import { RoundRobin } from './round-robin.js';

export function createBalancer(policy: BalancePolicy, random: Random): Balancer {
  switch (policy) {
    case 'least-outstanding':
      return new LeastOutstanding();
    case 'round-robin':
      return new RoundRobin();
    case 'p2c':
      return new PowerOfTwo(random);
    case 'random':
      return new RandomChoice(random);
    case 'hash':
      return new RendezvousHash();
  }
}
