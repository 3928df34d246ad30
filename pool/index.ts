// The control plane's face to the composition root.
export { createPoolManager, PoolManager, type PoolDeps, type PoolEvents, type SwitchPlan } from './manager.js';
export { ModeControl, type LeaseView } from './mode-control.js';
export type { Role } from './modes.js';
export {
  defaultPoolOptions,
  type BackendOptions,
  type HealthOptions,
  type ManagedBackendOptions,
  type ModeOptions,
  type PoolOptions,
  type RestartOptions,
  type StopOptions,
  type Temperature,
  type UnmanagedBackendOptions,
} from './options.js';
export type { PoolChange } from './pool-change.js';
export type { PoolEvent, PoolEventKind } from './pool-event.js';
export type { BackendView, PoolView, WorkerView } from './pool-view.js';
export { defaultResourceOptions, ResourceMonitor, type ResourceOptions } from './resources/resource-monitor.js';
export { fillCommand } from './command-template.js';
export { findPortHolder } from './port-probe.js';
export { readGroupMemory } from './process-memory.js';
export { StateFile } from './state-file.js';
export { describeStep } from './step-taker.js';
export type { SwitchReport } from './switch-transaction.js';
export { logFileOf } from './worker-place.js';
