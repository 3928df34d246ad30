// The policies that follow the options. Other options make other ones, but what a policy has learnt (a cursor, a
// balance) is kept unless its own option has changed.

import type { Random } from '../src/core/random.js';
import type { Balancer } from './balance/balancer.js';
import { createBalancer } from './balance/create-balancer.js';
import { TrustedProxies } from './headers/trusted-proxies.js';
import type { ProxyOptions } from './options.js';
import { RetryBudget } from './retry-budget.js';

const RETRY_ALLOWANCE = 3;
const RETRY_RESERVE = 100;

export interface Policies {
  readonly options: ProxyOptions;
  readonly balancer: Balancer;
  readonly retryBudget: RetryBudget;
  readonly trustedProxies: TrustedProxies;
  /** Routes that are safe to repeat whatever the method. */
  readonly safeRoutes: readonly string[];
}

export function createPolicies(options: ProxyOptions, random: Random, before?: Policies): Policies {
  const { balance, retry } = options;
  const samePolicy = before?.options.balance.policy === balance.policy;
  const sameShare = before?.options.retry.budgetShare === retry.budgetShare;
  return {
    options,
    balancer: samePolicy ? before.balancer : createBalancer(balance.policy, random),
    retryBudget: sameShare ? before.retryBudget : createRetryBudget(retry.budgetShare),
    trustedProxies: new TrustedProxies(options.trustedProxies),
    safeRoutes: retry.safeRoutes,
  };
}

function createRetryBudget(share: number): RetryBudget {
  return new RetryBudget({ share, allowance: RETRY_ALLOWANCE, reserve: RETRY_RESERVE });
}
