// What the data plane can be told. The shell hands it over complete; durations are milliseconds, sizes bytes.

import type { GradientOptions } from './gradient-limit.js';
import { defaultPriorityOptions, type PriorityOptions } from './priority.js';
import type { SocketPlace } from './unix-front.js';

export type BalancePolicy = 'least-outstanding' | 'round-robin' | 'p2c' | 'random' | 'hash';

export interface TlsOptions {
  /** PEM: the certificate, and behind it those that lead to a root that clients know. */
  readonly cert: string;
  /** PEM. */
  readonly key: string;
  readonly minVersion: 'TLSv1.2' | 'TLSv1.3';
}

export interface FrontOptions {
  readonly host: string;
  readonly port: number;
  /** Every connection begins with a PROXY header, and comes from a trusted proxy. Off by default. */
  readonly proxyProtocol?: boolean;
  /** Of the port; off when undefined. */
  readonly tls?: TlsOptions | undefined;
  /** A Unix socket beside the port. */
  readonly socket?: SocketPlace | undefined;
}

export interface ProxyOptions {
  readonly front: FrontOptions;
  readonly lane: 'auto' | 'fast' | 'full';
  readonly balance: {
    readonly policy: BalancePolicy;
    /** For `hash`: `address`, `header:<name>` or `cookie:<name>`. */
    readonly hashOn: string;
  };
  /** Above it requests wait in the room. Unlimited by default. */
  readonly maxInflightPerWorker?: number;
  /** Finds a limit below that one for each worker by its latency; off when undefined. */
  readonly adaptiveLimit?: GradientOptions;
  /** How long a freshly started worker is spared; 0 for not at all. */
  readonly slowStartMs: number;
  readonly waitingRoom: {
    readonly capacity: number;
    readonly deadlineMs: number;
    /** Event streams get a comment so often while they wait, and take the full lane for it. Off when undefined. */
    readonly keepAliveCommentsMs?: number | undefined;
  };
  /** Who goes first when requests have to wait. */
  readonly priorities: PriorityOptions;
  readonly deadlines: {
    readonly clientHeadMs: number;
    readonly clientIdleMs: number;
    readonly connectMs: number;
    readonly firstByteMs: number;
    readonly bodyIdleMs: number;
    /** Below the servers' own keep-alive (uvicorn 5 s, gunicorn 2 s), so that it is never they who close first. */
    readonly upstreamIdleMs: number;
  };
  readonly retry: {
    /** Repeats as a share of requests; see retry-budget.ts. */
    readonly budgetShare: number;
    readonly replayBufferBytes: number;
    /** Path prefixes that are safe to repeat whatever the method. */
    readonly safeRoutes: readonly string[];
  };
  /** Addresses or CIDR ranges whose forwarding fields are believed. */
  readonly trustedProxies: readonly string[];
  readonly limits: { readonly maxHeadBytes: number; readonly maxFields: number; readonly maxBodyBytes?: number };
  /** Protocols that may be upgraded to. */
  readonly upgrades: readonly string[];
}

export const defaultProxyOptions: ProxyOptions = {
  front: { host: '127.0.0.1', port: 9000 },
  lane: 'auto',
  balance: { policy: 'least-outstanding', hashOn: 'address' },
  slowStartMs: 10_000,
  waitingRoom: { capacity: 512, deadlineMs: 30_000 },
  priorities: defaultPriorityOptions,
  deadlines: {
    clientHeadMs: 10_000,
    clientIdleMs: 75_000,
    connectMs: 250,
    firstByteMs: 120_000,
    bodyIdleMs: 300_000,
    upstreamIdleMs: 4_000,
  },
  retry: { budgetShare: 0.2, replayBufferBytes: 1024 * 1024, safeRoutes: [] },
  trustedProxies: [],
  limits: { maxHeadBytes: 16 * 1024, maxFields: 100 },
  upgrades: ['websocket'],
};
