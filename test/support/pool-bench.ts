// A pool on this machine for process tests: free ports, short times, its own temporary directory, everything ended
// and proved gone afterwards.
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import {
  createPoolManager,
  defaultPoolOptions,
  StateFile,
  type PoolManager,
  type PoolOptions,
} from '../../pool/index.js';
import { membersOf, readProcess } from '../../pool/process-table.js';
import { systemClock } from '../../src/core/clock.js';
import { silentLog } from '../../src/core/log.js';
import { systemRandom } from '../../src/core/random.js';
import { STATE_FILE_NAME } from '../../src/instance-folders.js';
import { freePorts } from './free-port.js';
import { RecordingTraffic } from './recording-traffic.js';

const NODE_WORKER = join(import.meta.dirname, '..', 'fixtures', 'node-worker.js');

/** The command of a tiny Node server that behaves as asked; `{name}` and the like may stand in it. */
export function nodeWorker(behaviour = 'well'): string[] {
  return [process.execPath, NODE_WORKER, '{port}', behaviour];
}

export interface PoolBench {
  readonly pool: PoolManager;
  readonly options: PoolOptions;
  readonly traffic: RecordingTraffic;
  readonly ports: readonly number[];
  /** Every process group that the pool ever had. */
  readonly groups: ReadonlySet<number>;
  readonly dir: string;
  end(): Promise<void>;
}

export async function createPoolBench(overrides: Partial<PoolOptions> = {}): Promise<PoolBench> {
  const dir = mkdtempSync(join(tmpdir(), 'understudy-pool-'));
  const ports = await freePorts(3);
  const names = ['primary', 'secondary', 'fallback'];
  const options: PoolOptions = {
    ...defaultPoolOptions,
    backends: names.map((name, index) => ({ name, host: '127.0.0.1', port: ports[index]! })),
    command: nodeWorker(),
    cwd: dir,
    stateDir: dir,
    logDir: join(dir, 'logs'),
    health: { ...defaultPoolOptions.health, intervalMs: 200, suspiciousIntervalMs: 20 },
    restart: { ...defaultPoolOptions.restart, initialBackoffMs: 20 },
    stop: { drainTimeoutMs: 2_000, streamDrainTimeoutMs: 2_000, graceMs: 2_000 },
    failbackAfterMs: 200,
    rehearseEveryMs: 0,
    ...overrides,
  };
  const traffic = new RecordingTraffic();
  const pool = createPool(options, traffic);
  const groups = new Set<number>();
  pool.on('change', () => [...pidsOf(pool).values()].forEach((pid) => groups.add(pid)));
  return {
    pool,
    options,
    traffic,
    ports,
    groups,
    dir,
    async end() {
      await pool.stop({});
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** Another one with the same options finds the workers of the first by its state file. */
export function createPool(options: PoolOptions, traffic: RecordingTraffic): PoolManager {
  const stateFile = new StateFile(join(options.stateDir, STATE_FILE_NAME));
  return createPoolManager(options, { traffic, clock: systemClock, random: systemRandom, log: silentLog, stateFile });
}

export function pidsOf(pool: PoolManager): Map<string, number> {
  const workers = pool.view().backends.flatMap((backend) => backend.workers);
  return new Map(workers.flatMap(({ id, pid }): [string, number][] => (pid === undefined ? [] : [[id, pid]])));
}

/** Processes that are still there, of all the groups that the pool ever had. */
export function leftOvers(groups: ReadonlySet<number>): number[] {
  return [...groups].flatMap((group) => membersOf(group).map((member) => member.pid));
}

/** Waits for the pool to tell of a change after which the condition holds. */
export async function waitUntil(pool: PoolManager, condition: () => boolean): Promise<void> {
  while (!condition()) await once(pool, 'change');
}

/** Waits until the kernel has stopped the process: a signal takes effect when its target is next scheduled. */
export async function waitUntilStopped(pid: number): Promise<void> {
  while (readProcess(pid)?.state !== 'T') await setImmediate();
}
