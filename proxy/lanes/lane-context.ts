// What a lane needs of the policies that both lanes share.

import type { Clock } from '../../src/core/clock.js';
import type { Logger } from '../../src/core/log.js';
import type { Dispatcher } from '../dispatcher.js';
import type { RequestIds } from '../headers/request-id.js';
import type { TrustedProxies } from '../headers/trusted-proxies.js';
import type { ProxyOptions } from '../options.js';
import type { ProxyObserver } from '../request-record.js';
import type { RetryBudget } from '../retry-budget.js';
import type { UpstreamSet } from '../upstream-set.js';

export interface LaneContext {
  /** As they are now: never to be kept beyond a turn, since a reload puts others in their place. */
  readonly options: ProxyOptions;
  readonly clock: Clock;
  readonly log: Logger;
  readonly dispatcher: Dispatcher;
  readonly upstreams: UpstreamSet;
  readonly retryBudget: RetryBudget;
  readonly observer: ProxyObserver;
  readonly requestIds: RequestIds;
  readonly trustedProxies: TrustedProxies;
  /** Routes that are safe to repeat whatever the method. */
  readonly safeRoutes: readonly string[];
  /** Our name in Via; ours alone, so that a loop is seen. */
  readonly pseudonym: string;
  /** No further request on any client connection. */
  draining: boolean;
}
