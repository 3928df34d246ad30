// Which processes an earlier Understudy left behind: those of its state file, and those that carry its mark although no
// state file tells of them (lost, damaged, or killed in the very moment of a launch). Reads /proc, touches nothing.
import { workerId } from './modes.js';
import type { WorkerRecord } from './pool-state.js';
import { hasEnded, type ProcessFacts } from '../src/core/process-stat.js';
import { commandOf, environmentOf, listenerOf, listProcesses, membersOf } from './process-table.js';
import type { WorkerMark } from './worker-place.js';

export interface Survivor {
  readonly record: WorkerRecord;
  /** Its process group is stopped. */
  readonly stopped: boolean;
}

export interface Survivors {
  /** At most one an id, most trusted first. */
  readonly workers: readonly Survivor[];
  /**
   * Groups that carry the mark and are no workers, or can't be told what they are: their leader is gone, has written over its
   * environment, or is what a worker had started that is gone itself.
   */
  readonly leaderless: readonly Leaderless[];
}

export interface Leaderless {
  /** The group's number, which no other process is given while one of the group lives. */
  readonly pid: number;
  /** The leader's, if there is one. Else 0, which no process has: whoever has that pid now is somebody else. */
  readonly startTicks: number;
  /** Where the worker was told to listen. */
  readonly port?: number;
}

/** @param pool the mark of our pool: its state directory. */
export function findSurvivors(pool: string, records: readonly WorkerRecord[]): Survivors {
  const processes = new Map(listProcesses().map((facts) => [facts.pid, facts]));
  const recorded = records.flatMap((record): Survivor[] => {
    const facts = processes.get(record.pid);
    return facts !== undefined && isSame(facts, record, pool) ? [survivorOf(record, facts)] : [];
  });
  const known = new Set(recorded.map(({ record }) => record.pid));
  const living = new Set(recorded.map(({ record }) => launchIn(record)));
  const strays = straysOf(processes, { pool, known, living, told: new Set(records.map(launchIn)) });
  return { ...strays, workers: [...recorded, ...strays.workers] };
}

/**
 * Pid and start time name one process. As a second witness its command must be the recorded one, or, for a program that
 * renames itself, its environment must carry our mark.
 */
function isSame(facts: ProcessFacts, record: WorkerRecord, pool: string): boolean {
  if (hasEnded(facts) || facts.startTicks !== record.startTicks) return false;
  return commandOf(facts.pid) === record.command || markOf(facts.pid, 'UNDERSTUDY_POOL') === pool;
}

function survivorOf(record: WorkerRecord, facts: ProcessFacts): Survivor {
  return { record, stopped: facts.state === 'T' };
}

function straysOf(
  processes: ReadonlyMap<number, ProcessFacts>,
  { pool, known, living, told }: StrayContext,
): Survivors {
  // A group that a living worker of ours started is that worker's business, even a daemon whose parent is init by now (it
  // carries the worker's marks). One of them may have started us, so our own groups are no strays either.
  const own = new Set(lineageOf(process.pid, processes).map((pid) => processes.get(pid)?.group));
  /** Each stray group, with one process of it that carries the mark. */
  const groups = new Map<number, number>();
  for (const facts of processes.values()) {
    if (hasEnded(facts) || known.has(facts.group) || groups.has(facts.group)) continue;
    if (markOf(facts.pid, 'UNDERSTUDY_POOL') !== pool) continue;
    if (own.has(facts.group) || lineageOf(facts.pid, processes).some((pid) => known.has(pid))) continue;
    if (living.has(launchOf(facts.pid))) continue;
    groups.set(facts.group, facts.pid);
  }
  const leaders = [...groups.keys()]
    .flatMap((group) => processes.get(group) ?? [])
    // The worker of a launch that is told of is another process, and is gone.
    .filter((leader) => !hasEnded(leader) && !told.has(launchOf(leader.pid)));
  const trustIn = ({ record }: Survivor) => (record.key === undefined ? 0 : 1);
  const workers = leaders.flatMap((leader) => survivorByMarks(leader) ?? []);
  workers.sort((one, other) => trustIn(other) - trustIn(one));
  const taken = new Set(workers.map(({ record }) => record.pid));
  const leaderless = [...groups].filter(([group]) => !taken.has(group));
  return { workers, leaderless: leaderless.map(([group, member]) => leaderlessOf(group, member, processes)) };
}

interface StrayContext {
  readonly pool: string;
  /** Pids of the recorded ones, which lead groups of their own. */
  readonly known: ReadonlySet<number>;
  /** Their launches, as `launchIn` names them. */
  readonly living: ReadonlySet<string>;
  /** All launches that the state file tells of. */
  readonly told: ReadonlySet<string>;
}

/** One launch of one worker: a name to compare. */
function launchIn({ id, generation }: Pick<WorkerRecord, 'id' | 'generation'>): string {
  return `${id} ${generation}`;
}

/** The launch that a process comes from, by its marks. */
function launchOf(pid: number): string {
  const marks = environmentOf(pid);
  const id = workerId(marks?.get('UNDERSTUDY_BACKEND') ?? '', Number(marks?.get('UNDERSTUDY_WORKER')));
  return launchIn({ id, generation: Number(marks?.get('UNDERSTUDY_GENERATION')) });
}

/** The process and its ancestors. */
function lineageOf(pid: number, processes: ReadonlyMap<number, ProcessFacts>): number[] {
  const lineage: number[] = [];
  for (let facts = processes.get(pid); facts !== undefined; facts = processes.get(facts.parent))
    lineage.push(facts.pid);
  return lineage;
}

function survivorByMarks(leader: ProcessFacts): Survivor | undefined {
  const { pid, startTicks, state } = leader;
  const marks = environmentOf(pid);
  const [backend, worker, generation, host, port] = MARKS.map((mark) => marks?.get(mark));
  if (backend === undefined || host === undefined) return undefined;
  const [number, age, portNumber] = [Number(worker), Number(generation), Number(port)];
  if (![number, age, portNumber].every(Number.isSafeInteger)) return undefined;
  const record: WorkerRecord = {
    id: workerId(backend, number),
    generation: age,
    pid,
    startTicks,
    command: commandOf(pid) ?? '',
    host,
    port: portNumber,
    // Nobody knows how far it had come, so it has to prove itself.
    state: state === 'T' ? 'standby' : 'starting',
    restarts: 0,
    forks: 1,
    // Whatever a worker starts inherits the marks: they name the launch, and that it listens shows the worker.
    key: listens(leader, portNumber) ? marks?.get('UNDERSTUDY_KEY') : undefined,
  };
  return { record, stopped: state === 'T' };
}

/** Or one of its group does. */
function listens({ group }: ProcessFacts, port: number): boolean {
  const members = membersOf(group).map(({ pid }) => pid);
  return listenerOf(port, members) !== undefined;
}

function leaderlessOf(group: number, member: number, processes: ReadonlyMap<number, ProcessFacts>): Leaderless {
  const port = Number(markOf(member, 'UNDERSTUDY_PORT'));
  const startTicks = processes.get(group)?.startTicks ?? 0;
  return { pid: group, startTicks, ...(Number.isSafeInteger(port) && { port }) };
}

const MARKS = [
  'UNDERSTUDY_BACKEND',
  'UNDERSTUDY_WORKER',
  'UNDERSTUDY_GENERATION',
  'UNDERSTUDY_HOST',
  'UNDERSTUDY_PORT',
] as const satisfies readonly WorkerMark[];

function markOf(pid: number, mark: WorkerMark): string | undefined {
  return environmentOf(pid)?.get(mark);
}
