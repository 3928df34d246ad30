// Whether a running instance can go from one config to another, and what that changes. Pure: all or nothing, and every
// obstacle is told at once.

import { operatorError } from '../core/errors.js';
import { changeText } from './change-text.js';
import type { Config } from './config.js';
import { diffConfigs, type ConfigChange } from './config-diff.js';
import { formatProblems, type ConfigProblem } from './config-error.js';
import { hasDefaultLogDir, hasDefaultRuntimeDir } from './parse-config.js';

/** What may change while it runs. Everything else is refused, so that no change is ever silently left out. */
const LIVE = new Set([
  'adaptiveLimit',
  'backends',
  'balance',
  'budget',
  'cwd',
  'deadlines',
  'env',
  'expected',
  'failbackAfter',
  'health',
  'lane',
  'limits',
  'log.level',
  'maxInflightPerWorker',
  'mode',
  'modes',
  'pressure',
  'priorities',
  'program',
  'promises',
  'rehearseEvery',
  'restart',
  'retry',
  'sleep',
  'slowStart',
  'startTimeout',
  'stop',
  'trustedProxies',
  'upgrades',
  'waitingRoom',
]);

/**
 * Returns what would change; nothing, when nothing would.
 * @throws UnderstudyError `not-reloadable` with every obstacle and its path.
 */
export function planReload(
  before: Config,
  after: Config,
  present: { readonly modes: readonly string[] },
): readonly ConfigChange[] {
  const changes = diffConfigs(before, after);
  const problems = [
    ...changes.filter((change) => !isLive(change) && !isConsequence(change, before, after)).map(refusal),
    ...checkModesInUse(after, present.modes),
    ...checkPorts(before, after),
  ];
  if (problems.length === 0) return changes;
  throw operatorError('not-reloadable', formatProblems('what a reload can change (nothing was changed)', problems));
}

function isLive({ path }: ConfigChange): boolean {
  return LIVE.has(path) || LIVE.has(path.split('.')[0]!);
}

/** Nobody wrote it: it goes when what it follows from stays, and that is told. */
function isConsequence({ path }: ConfigChange, ...configs: readonly Config[]): boolean {
  if (path === 'runtimeDir') return configs.every(hasDefaultRuntimeDir);
  return path === 'logDir' && configs.every(hasDefaultLogDir);
}

function refusal(change: ConfigChange): ConfigProblem {
  return {
    path: change.path,
    message: `can't change while it runs (${changeText(change)}); it needs a stop and a new start`,
  };
}

function checkModesInUse({ modes }: Config, inUse: readonly string[]): ConfigProblem[] {
  const message = 'is in use (the present mode, set by hand, or held by a lease) and must stay for now';
  return [...new Set(inUse)]
    .filter((mode) => !Object.hasOwn(modes, mode))
    .map((mode) => ({ path: `modes.${mode}`, message }));
}

/** Both backends would need theirs before they could give up the other's. */
function checkPorts(before: Config, after: Config): ConfigProblem[] {
  const holders = new Map(
    before.backends.flatMap((backend) => ('port' in backend ? [[backend.port, backend.name]] : [])),
  );
  return after.backends.flatMap((backend) => {
    if (!('port' in backend)) return [];
    const holder = holders.get(backend.port);
    if (holder === undefined || holder === backend.name) return [];
    const message = `${backend.port} is still the port of ${holder}; free it with a reload of its own first`;
    return [{ path: `backends.${backend.name}.port`, message }];
  });
}
