// Writes down, after every change, what a later Understudy must know to adopt our workers.
import type { Logger } from '../src/core/log.js';
import type { OperatorWishes } from './operator-wishes.js';
import type { WorkerRecord } from './pool-state.js';
import { commandOf, readProcess } from './process-table.js';
import type { StateFile } from './state-file.js';
import type { Worker } from './worker.js';
import type { WorkerProcess } from './worker-runtime.js';
import type { WorkerState } from './worker-state.js';
import { WriteTrouble } from './write-trouble.js';

export interface RememberedPool {
  readonly mode: string | undefined;
  /** Those of that mode. */
  readonly wishes: OperatorWishes;
  readonly workers: readonly Worker[];
}

export class PoolMemory {
  readonly #file: StateFile;
  readonly #trouble: WriteTrouble;
  readonly #startTicks = new WeakMap<WorkerProcess, number>();

  constructor(file: StateFile, log: Logger) {
    this.#file = file;
    this.#trouble = new WriteTrouble(log);
  }

  /** Returns whether it stands written. Never throws: a full disk must not stop the pool. */
  save({ mode, wishes, workers }: RememberedPool): boolean {
    try {
      const records = workers.flatMap((worker) => this.#recordOf(worker) ?? []);
      this.#file.put('pool', { mode, wishes: Object.fromEntries(wishes), workers: records });
      this.#trouble.noteWritten();
      return true;
    } catch (error) {
      this.#trouble.noteFailed(
        error,
        'the state file could not be written, which is tried again: a crash now loses workers',
      );
      return false;
    }
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
