// The library face of understudy-lb. Importing it does nothing; an instance begins with `start()`.

export { createUnderstudy } from './app.js';
export type { StartedAddresses, StopOptions, Understudy, UnderstudyDependencies } from './understudy.js';
export type { ReloadReport } from './admin/reload-report.js';
export type { StatusView } from './admin/status-view.js';
export type { Config } from './config/config.js';
export { ConfigError, type ConfigProblem } from './config/config-error.js';
export { loadConfig, type ConfigFlags, type LoadedConfig, type LoadOptions } from './config/load-config.js';
export { parseConfig, type ParseOptions } from './config/parse-config.js';
export type { ConfigInput } from './config/schema.js';
export { UnderstudyError } from './core/errors.js';
export type { Logger } from './core/log.js';
