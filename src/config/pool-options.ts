// The config in the control plane's words.

import { defaultPoolOptions, type PoolOptions, type ResourceOptions } from '../../pool/index.js';
import type { BackendConfig, Config } from './config.js';
import { toSleepHooks } from './sleep-hooks.js';
import { workerCommand } from './worker-command.js';

/** @throws UnderstudyError `uvicorn-not-found` when an app is to be run and nothing here can. */
export function toPoolOptions(config: Config): PoolOptions {
  const { health, restart, stop } = config;
  return {
    backends: config.backends.map(toBackendOptions),
    command: config.backends.some((backend) => 'port' in backend) ? workerCommand(config) : [],
    cwd: config.cwd,
    env: config.env,
    modes: config.modes,
    initialMode: config.mode,
    health: {
      path: health.path,
      intervalMs: health.interval,
      suspiciousIntervalMs: health.suspiciousInterval,
      timeoutMs: health.timeout,
      rise: health.rise,
      fall: health.fall,
      expectStatus: health.expectStatus,
    },
    restart: {
      ...defaultPoolOptions.restart,
      initialBackoffMs: restart.initialBackoff,
      maxBackoffMs: restart.maxBackoff,
      crashLoopLimit: restart.crashLoopLimit,
    },
    stop: { drainTimeoutMs: stop.drainTimeout, graceMs: stop.grace },
    startTimeoutMs: config.startTimeout,
    failbackAfterMs: config.failbackAfter,
    rehearseEveryMs: config.rehearseEvery,
    budget: { workers: config.budget.workers },
    memory: { expected: toMemoryAmounts(config.expected), allowed: toMemoryAmounts(config.budget) },
    ...toSleepHooks(config),
    stateDir: config.runtimeDir,
    logDir: config.logDir,
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

function toBackendOptions(backend: BackendConfig): PoolOptions['backends'][number] {
  return 'url' in backend ? { name: backend.name, url: backend.url } : backend;
}
