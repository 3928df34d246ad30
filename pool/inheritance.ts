// What becomes of the processes that an earlier Understudy left: those that fit a worker of ours are adopted, the others
// are orphans: orphans.ts ends them, whole groups, so that none is left holding a port. The judgement is pure; taking over
// acts on it.
import { launchKeyOf } from './launch-key.js';
import { isManaged, type ManagedBackendOptions, type PoolOptions } from './options.js';
import type { Orphan } from './orphans.js';
import type { WorkerRecord } from './pool-state.js';
import type { Roster } from './roster.js';
import { findSurvivors, type Survivor, type Survivors } from './survivors.js';
import type { StateReading } from './state-file.js';
import { launchSpecOf } from './worker-place.js';
import type { LaunchSpec, WorkerRuntime } from './worker-runtime.js';
import type { Adoption, Worker } from './worker.js';
import type { Launched } from './worker-launch.js';

export interface Judgement {
  readonly adopt: readonly Survivor[];
  readonly end: readonly Orphan[];
}

/** @param isOurs whether the pool has such a worker, and starts its processes itself. */
export function judgeSurvivors({ workers, leaderless }: Survivors, isOurs: (id: string) => boolean): Judgement {
  const taken = new Set<string>();
  const adopt: Survivor[] = [];
  const end: Orphan[] = leaderless.map((group) => ({ ...group, what: 'what a worker left behind' }));
  for (const survivor of workers) {
    const { id, generation, pid, startTicks, port, state } = survivor.record;
    // Whatever was being stopped is not adopted: its stop is finished.
    const fits = isOurs(id) && !taken.has(id) && state !== 'stopping';
    if (!fits) end.push({ pid, startTicks, what: id, port, upstream: { id, generation } });
    else adopt.push(survivor);
    taken.add(id);
  }
  return { adopt, end };
}

export interface InheritanceDeps {
  readonly roster: Roster;
  readonly options: PoolOptions;
  readonly runtime: WorkerRuntime;
}

export interface TakenOver {
  readonly workers: readonly Worker[];
  readonly orphans: readonly Orphan[];
}

/** Adopts in this turn; a worker that was in traffic is in it again when this returns. Nobody is ended. */
export function takeOver({ pool }: StateReading, { roster, options, runtime }: InheritanceDeps): TakenOver {
  const survivors = findSurvivors(options.stateDir, pool?.workers ?? []);
  const isOurs = (id: string) => {
    const worker = roster.find(id);
    return worker !== undefined && isManaged(worker.backend);
  };
  const { adopt, end } = judgeSurvivors(survivors, isOurs);
  const workers = adopt.map(({ record, stopped }) => {
    const worker = roster.find(record.id)!;
    const adoption = adoptionOf({ record, stopped }, { worker, options, runtime });
    worker.adopt(adoption, { cause: `process ${record.pid}, left by an earlier Understudy, was adopted` });
    return worker;
  });
  return { workers, orphans: end };
}

interface AdoptionContext {
  readonly worker: Worker;
  readonly options: PoolOptions;
  readonly runtime: WorkerRuntime;
}

function adoptionOf({ record, stopped }: Survivor, { worker, options, runtime }: AdoptionContext): Adoption {
  const { generation, restarts, forks, port, host, pid, startTicks } = record;
  const backend = worker.backend as ManagedBackendOptions;
  const key = launchKeyOf(options, backend, worker.number);
  const facts = { id: worker.id, number: worker.number, generation, port, forks, modeEnv: {}, key };
  const planned = launchSpecOf(options, backend, facts);
  const launched: Launched = {
    process: runtime.adopt({ pid, startTicks, logFile: planned.logFile }),
    address: { kind: 'tcp', host, port },
    spec: { ...planned, command: [record.command] },
    key: record.key ?? (isAsPlanned(record, { planned, backend }) ? key : 'unknown'),
  };
  return { launched, generation, restarts, forks, state: stateOf(record, stopped) };
}

/**
 * Frozen is what really is stopped, whatever was written last (the disk may have been full); one that drained when we were
 * lost serves again. Exported for its test.
 */
export function stateOf({ state }: WorkerRecord, stopped: boolean): Adoption['state'] {
  if (state === 'asleep' || state === 'starting') return state;
  if (stopped) return 'frozen';
  return state === 'standby' ? 'hot' : 'active';
}

/**
 * Whether its command line is what we would start today; that decides where its key was not recorded. A script's never is: the
 * system shows its interpreter first, or what it has become.
 */
function isAsPlanned(
  { command, port }: WorkerRecord,
  { planned, backend }: { readonly planned: LaunchSpec; readonly backend: ManagedBackendOptions },
): boolean {
  return command === planned.command.join(' ') && (planned.worker > 1 || port === backend.port);
}
