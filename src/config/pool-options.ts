// The config in the control plane's words.

import { defaultPoolOptions, type PoolOptions, type ResourceOptions } from '../../pool/index.js';
import { USUAL_WEIGHT } from '../core/cgroup.js';
import type { Config } from './config.js';
import { orNever } from './quantities.js';
import { workerCommand } from './worker-command.js';

/** What runs already: a config that asks for the same program need not look for its interpreter again. */
export interface RunningProgram {
  readonly config: Config;
  readonly command: readonly string[];
}

/** @throws UnderstudyError `uvicorn-not-found` when an app is to be run and nothing here can. */
export function toPoolOptions(config: Config, running?: RunningProgram): PoolOptions {
  const { health, restart, stop } = config;
  return {
    backends: config.backends,
    command: commandFor(config, running),
    cwd: config.cwd,
    env: config.env,
    modes: toModes(config),
    initialMode: config.mode,
    health: {
      path: health.path,
      intervalMs: health.interval,
      suspiciousIntervalMs: health.suspiciousInterval,
      timeoutMs: health.timeout,
      rise: health.rise,
      fall: health.fall,
      expectStatus: health.expectStatus,
      wedgedAfterMs: health.wedgedAfter ?? wedgedAfterFor(config.deadlines.firstByte),
    },
    restart: {
      ...defaultPoolOptions.restart,
      initialBackoffMs: restart.initialBackoff,
      maxBackoffMs: restart.maxBackoff,
      crashLoopLimit: restart.crashLoopLimit,
    },
    stop: {
      drainTimeoutMs: stop.drainTimeout,
      streamDrainTimeoutMs: stop.streamDrainTimeout,
      graceMs: stop.grace,
    },
    startTimeoutMs: orNever(config.startTimeout),
    failbackAfterMs: config.failbackAfter,
    rehearseEveryMs: config.rehearseEvery,
    budget: { workers: config.budget.workers },
    memory: { expected: toMemoryAmounts(config.expected), allowed: toMemoryAmounts(config.budget) },
    ...toSleepHooks(config),
    ...toPressure(config),
    stateDir: config.runtimeDir,
    logDir: config.logDir,
  };
}

/** Who allows answers more time than by default means it: a worker is not ended long before. */
function wedgedAfterFor(firstByteMs: number): number {
  if (firstByteMs === 0) return 0;
  return Math.max(defaultPoolOptions.health.wedgedAfterMs, firstByteMs * 0.75);
}

/** A mode's own budget goes before the pool's. */
function toModes({ modes, budget }: Config): PoolOptions['modes'] {
  // What a job is weighed against, and what memory is pushed out of, is a worker's own cgroup: a weight makes one.
  const takesCgroups = Object.values(modes).some(({ job, pushOut }) => job.weight !== undefined || pushOut);
  const weight = takesCgroups ? { weight: USUAL_WEIGHT } : {};
  const toMode = ({ budget: own, ...mode }: Config['modes'][string]): PoolOptions['modes'][string] => {
    const cpuShare = own.cpuShare ?? budget.cpuShare;
    return {
      ...mode,
      priority: { ...weight, ...mode.priority },
      allowed: toMemoryAmounts(own),
      ...(cpuShare === undefined ? {} : { cpuShare }),
    };
  };
  return Object.fromEntries(Object.entries(modes).map(([name, mode]) => [name, toMode(mode)]));
}

function toPressure({ pressure }: Config): Pick<PoolOptions, 'pressure'> {
  if (!pressure.enabled) return {};
  const { memoryFull, memoryAvailable, gpuMemory, relaxAfter } = pressure;
  return {
    pressure: {
      memoryFullPercent: memoryFull,
      lowestAvailableShare: memoryAvailable,
      gpuMemoryShare: gpuMemory,
      relaxAfterMs: relaxAfter,
    },
  };
}

function toMemoryAmounts({
  ram,
  gpuMemory,
}: {
  readonly ram?: number | undefined;
  readonly gpuMemory?: number | undefined;
}) {
  return {
    ...(ram === undefined ? {} : { ramBytes: ram }),
    ...(gpuMemory === undefined ? {} : { gpuBytes: gpuMemory }),
  };
}

/** Undefined when the operator switched it off. */
export function toResourceOptions({ resources }: Config): ResourceOptions | undefined {
  const { enabled, interval, gpu, gpuTimeout } = resources;
  return enabled ? { intervalMs: interval, gpu, gpuTimeoutMs: gpuTimeout } : undefined;
}

function commandFor(config: Config, running: RunningProgram | undefined): readonly string[] {
  if (!config.backends.some((backend) => 'port' in backend)) return [];
  const isSame = (key: 'program' | 'stop') => JSON.stringify(config[key]) === JSON.stringify(running?.config[key]);
  const known = running !== undefined && running.command.length > 0 && isSame('program') && isSame('stop');
  return known ? running.command : workerCommand(config);
}

type Hooks = NonNullable<PoolOptions['sleepHooks']>;
type HookConfig = NonNullable<Config['sleep']>['demote'];
type HttpHookConfig = Extract<HookConfig, { readonly path: string }>;

function toSleepHooks({ sleep, health }: Config): Pick<PoolOptions, 'sleepHooks'> {
  if (sleep === undefined) return {};
  const { demote, promote, golden } = sleep;
  const ownHealth = { method: 'GET', path: health.path, timeoutMs: health.timeout };
  return {
    sleepHooks: {
      demote: toHook(demote),
      promote: toHook(promote),
      golden: golden === undefined ? ownHealth : toHttpHook(golden),
    },
  };
}

function toHook(hook: HookConfig): Hooks['demote'] {
  return 'command' in hook ? { command: hook.command, timeoutMs: hook.timeout } : toHttpHook(hook);
}

function toHttpHook({ timeout, body, expectStatus, expectBody, ...rest }: HttpHookConfig): Hooks['golden'] {
  return {
    ...rest,
    ...(body === undefined ? {} : { body }),
    ...(expectStatus === undefined ? {} : { expectStatus }),
    ...(expectBody === undefined ? {} : { expectBody }),
    timeoutMs: timeout,
  };
}
