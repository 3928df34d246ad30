// What a later Understudy must know to adopt our workers: written down after every change, read at the next start.
import type { Clock } from '../src/core/clock.js';
import type { Logger } from '../src/core/log.js';
import type { OperatorWishes } from './operator-wishes.js';
import type { WorkerRecord } from './pool-state.js';
import { commandOf, readProcess } from './process-table.js';
import type { StateFile, StateReading } from './state-file.js';
import { StateSection } from './state-section.js';
import type { Worker } from './worker.js';
import type { WorkerProcess } from './worker-runtime.js';
import type { WorkerState } from './worker-state.js';

export interface RememberedPool {
  /** The one that stands. */
  readonly mode: string | undefined;
  /** Those of that mode. */
  readonly wishes: OperatorWishes;
  readonly workers: readonly Worker[];
}

export interface PoolMemoryDeps {
  readonly file: StateFile;
  readonly clock: Clock;
  readonly log: Logger;
  /** The pool as it is now; undefined while another Understudy may be writing. */
  readonly pool: () => RememberedPool | undefined;
}

const RETRY_MS = 5_000;

export class PoolMemory {
  readonly #deps: PoolMemoryDeps;
  readonly #section: StateSection<'pool'>;
  readonly #startTicks = new WeakMap<WorkerProcess, number>();
  #due = false;
  #modeWritten: string | undefined;
  #closed = false;

  constructor(deps: PoolMemoryDeps) {
    const { file, clock, log } = deps;
    this.#deps = deps;
    const trouble = 'the state file could not be written, which is tried again: a crash now loses workers';
    const content = () => this.#content();
    this.#section = new StateSection({ name: 'pool', file, content, clock, log, retryMs: RETRY_MS, trouble });
  }

  /** What an earlier Understudy left. */
  read(): StateReading {
    return this.#deps.file.read();
  }

  /**
   * Written once for all changes of a turn of the event loop, and after it, so that no request waits for the disk. But a mode
   * is written down before anybody is told that it stands.
   */
  noteChanged(mode: string | undefined): void {
    if (!this.#due) setImmediate(() => this.writeDown());
    this.#due = true;
    if (mode !== this.#modeWritten) this.writeDown();
  }

  /** At once, if anything has changed. */
  writeDown(): void {
    if (!this.#due) return;
    this.#due = false;
    this.#section.write();
  }

  /** At once, and all of it: another Understudy is about to read a file that may have been lost or damaged meanwhile. */
  writeAnew(): void {
    this.#due = true;
    this.invalidate();
    this.writeDown();
  }

  /** Somebody else may have written the file: the next change is written even if it changes nothing of what we know. */
  invalidate(): void {
    this.#deps.file.invalidate();
  }

  /** Nothing is written from here on. `erase`: nothing is left to adopt. */
  close({ erase }: { readonly erase: boolean }): void {
    this.#closed = true;
    if (erase) this.#deps.file.remove();
  }

  #content() {
    const pool = this.#closed ? undefined : this.#deps.pool();
    if (pool === undefined) return undefined;
    this.#modeWritten = pool.mode;
    const workers = pool.workers.flatMap((worker) => this.#recordOf(worker) ?? []);
    return { mode: pool.mode, wishes: Object.fromEntries(pool.wishes), workers };
  }

  #recordOf(worker: Worker): WorkerRecord | undefined {
    const { id, generation, restarts, forks, launched, pid } = worker;
    const state = stateToRecord(worker.state);
    if (launched === undefined || pid === undefined || launched.address.kind !== 'tcp') return undefined;
    if (state === 'off' || state === 'failed') return undefined;
    const startTicks = this.#startTicksOf(launched.process, pid);
    if (startTicks === undefined) return undefined;
    const { host, port } = launched.address;
    // Read anew each time: a start script has become the program itself by the time it is ready.
    const command = commandOf(pid) ?? '';
    return { id, generation, pid, startTicks, command, host, port, state, restarts, forks, key: launched.key };
  }

  #startTicksOf(process: WorkerProcess, pid: number): number | undefined {
    const known = this.#startTicks.get(process) ?? readProcess(pid)?.startTicks;
    if (known !== undefined) this.#startTicks.set(process, known);
    return known;
  }
}

/** What is half way into its sleep, or out of it, is not adopted: nobody would know what it is like. A new process takes its place. */
function stateToRecord(state: WorkerState): WorkerRecord['state'] | 'off' | 'failed' {
  if (state.kind !== 'standby' || state.temperature !== 'asleep') return state.kind;
  return state.hook === undefined ? 'asleep' : 'stopping';
}
