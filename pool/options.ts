// What the pool can be told. Values arrive complete and checked (src/config does that); the defaults here are the
// ones that the config shows. Times are in milliseconds.

import type { Priority } from '../src/core/priority.js';
import type { SleepHooks } from './sleep-hooks.js';
import type { MemoryAmounts } from './resources/admission-desk.js';
import type { PressureOptions } from './resources/pressure-ladder.js';

/** How ready a standby is: running, stopped with its memory kept, its GPU memory released, or not started at all. */
export type Temperature = 'hot' | 'frozen' | 'asleep' | 'cold';

/** A backend whose workers we start, watch and stop. Worker 1 listens on `port`, further ones on free ports. */
export interface ManagedBackendOptions {
  readonly name: string;
  readonly host: string;
  readonly port: number;
}

/** A backend that somebody else runs: probed and balanced, never started or stopped. */
export interface UnmanagedBackendOptions {
  readonly name: string;
  /** `http://host:port`, or `unix:/path/to/socket`. */
  readonly url: string;
  /** Its share of the requests beside others, where the policy goes by weight; 1 by default, and for all workers of ours. */
  readonly weight?: number;
}

export type BackendOptions = ManagedBackendOptions | UnmanagedBackendOptions;

/** A named shape. Backends take their roles in order: first the active ones, then the standby ones, the rest is off. */
export interface ModeOptions {
  readonly active: number;
  /** Workers of each active backend. */
  readonly workers: number;
  readonly standby: number;
  /** Workers of each standby backend. Default: 1. */
  readonly standbyWorkers?: number;
  readonly temperature: Temperature;
  /** The memory of a frozen standby goes to swap and disk, as far as the system lets it; it costs time when it is promoted. */
  readonly pushOut?: boolean;
  /** Usable workers below which the planner never goes by its own action. Default: one less than the active ones. */
  readonly floor?: number;
  /** Of the workers, while the pool is in this mode or on its way to it. */
  readonly priority?: Priority;
  /** What all workers together may use in this mode, where it differs from the pool's own budget. */
  readonly allowed?: MemoryAmounts;
  /** Share of the CPUs that the workers may run on, above 0; which ones is for us to choose, unless `priority.cpus` says. */
  readonly cpuShare?: number;
  /** Added to the environment of workers that start in this mode; those that run are left alone. */
  readonly env?: Readonly<Record<string, string>>;
}

export interface HealthOptions {
  readonly path: string;
  /** Pause between the probes of a worker that is well. */
  readonly intervalMs: number;
  /** Pause between the probes of a worker that starts or is under suspicion. */
  readonly suspiciousIntervalMs: number;
  readonly timeoutMs: number;
  /** Passed probes in a row that prove a worker, and failed ones that condemn it. */
  readonly rise: number;
  readonly fall: number;
  /**
   * Requests that wait for an answer for so long, without a byte moved or CPU used, mean wedged whatever the probes say; 0
   * for never. A request that the proxy ends earlier is never seen to.
   */
  readonly wedgedAfterMs?: number;
  /** The one status that passes. Default: any below 500. */
  readonly expectStatus?: number;
}

export interface RestartOptions {
  readonly initialBackoffMs: number;
  readonly maxBackoffMs: number;
  /** Share of the backoff that chance adds or takes, from 0 to 1. */
  readonly jitter: number;
  /** Failures in a row, none of them followed by a steady life, after which a worker is left alone. */
  readonly crashLoopLimit: number;
  /** A worker that served this long without failing has no history of failures. */
  readonly steadyAfterMs: number;
}

export interface StopOptions {
  /** How long requests in flight may take to finish before they are ended with an error. */
  readonly drainTimeoutMs: number;
  /** The same for event streams and tunnels, which end only when somebody ends them. */
  readonly streamDrainTimeoutMs: number;
  /** How long a process may take to leave after SIGTERM before SIGKILL. */
  readonly graceMs: number;
}

export interface PoolOptions {
  readonly backends: readonly BackendOptions[];
  /** Program and arguments, with `{port} {host} {name} {worker} {workers}` filled in per worker. */
  readonly command: readonly string[];
  readonly cwd: string;
  /** Added to our own environment. */
  readonly env: Readonly<Record<string, string>>;
  readonly modes: Readonly<Record<string, ModeOptions>>;
  readonly initialMode: string;
  readonly health: HealthOptions;
  readonly restart: RestartOptions;
  readonly stop: StopOptions;
  /** A start may take any time, but not this long without progress. */
  readonly startTimeoutMs: number;
  /** How long lost workers must be back before a promoted standby goes back to its rest. */
  readonly failbackAfterMs: number;
  /** Pause between the rehearsals of what is on standby; 0 for none. */
  readonly rehearseEveryMs: number;
  /** How a worker falls asleep and wakes; no mode may have the temperature `asleep` without. */
  readonly sleepHooks?: SleepHooks;
  /** Most workers to run at once. Default: the largest number that any mode wants. */
  readonly budget?: { readonly workers?: number };
  /** What a worker needs at its peak, and what all may use together. Default: learnt, and no limit. */
  readonly memory?: { readonly expected: MemoryAmounts; readonly allowed: MemoryAmounts };
  /** What is done when memory runs short; nothing when it is left out. */
  readonly pressure?: PressureOptions;
  /** Where the state file lives. */
  readonly stateDir: string;
  /** Where each worker's output goes. */
  readonly logDir: string;
}

/** Everything that has a default; the caller adds backends, command, directories and environment. */
export const defaultPoolOptions = {
  env: {},
  modes: {
    production: { active: 3, workers: 1, standby: 0, temperature: 'frozen' },
    validation: { active: 2, workers: 2, standby: 1, temperature: 'frozen' },
  },
  initialMode: 'production',
  health: {
    path: '/health',
    intervalMs: 2_000,
    suspiciousIntervalMs: 250,
    timeoutMs: 2_000,
    rise: 2,
    fall: 3,
    wedgedAfterMs: 90_000,
  },
  restart: { initialBackoffMs: 250, maxBackoffMs: 30_000, jitter: 0.2, crashLoopLimit: 8, steadyAfterMs: 10_000 },
  stop: { drainTimeoutMs: 30_000, streamDrainTimeoutMs: 30_000, graceMs: 10_000 },
  startTimeoutMs: 300_000,
  failbackAfterMs: 10_000,
  rehearseEveryMs: 60_000,
} as const satisfies Partial<PoolOptions>;

export function isManaged(backend: BackendOptions): backend is ManagedBackendOptions {
  return 'port' in backend;
}
