// A pool on a machine in memory: its workers, its traffic and its time do what the test says. `end()` proves that it
// leaves nothing behind.
import { expect } from '@jest/globals';
import { createPoolManager, type PoolEvent, type PoolManager, type PoolOptions } from '../../pool/index.js';
import type { StateFile } from '../../pool/state-file.js';
import { silentLog } from '../../src/core/log.js';
import { FakeWorkerRuntime } from './fake-worker-runtime.js';
import { ManualClock } from './manual-clock.js';
import { planOptions } from './observed-workers.js';
import { passTime } from './pass-time.js';
import { RecordingTraffic } from './recording-traffic.js';

export class PoolRig {
  readonly clock = new ManualClock();
  readonly runtime = new FakeWorkerRuntime(this.clock);
  readonly traffic = new RecordingTraffic();
  readonly events: PoolEvent[] = [];
  readonly pool: PoolManager;

  constructor(options: Partial<PoolOptions> = {}, stateFile?: StateFile) {
    const { clock, runtime, traffic } = this;
    const deps = { clock, runtime, traffic, random: () => 0.5, log: silentLog, ...(stateFile && { stateFile }) };
    this.pool = createPoolManager({ ...planOptions, ...options }, deps);
    this.pool.on('event', (event) => this.events.push(event));
  }

  /** Resolves once the initial mode stands. */
  async start(): Promise<void> {
    const started = this.pool.start();
    await this.pass(2_000);
    await started;
  }

  pass(ms: number): Promise<void> {
    return passTime(this.clock, ms);
  }

  async end(): Promise<void> {
    const stopped = this.pool.stop({});
    await this.pass(15_000);
    await stopped;
    this.expectNothingLeft();
  }

  /** No process, no target, no timer. */
  expectNothingLeft(): void {
    expect(this.runtime.living).toEqual([]);
    expect(this.traffic.ids).toEqual([]);
    expect(this.clock.pendingTimers).toBe(0);
  }
}
