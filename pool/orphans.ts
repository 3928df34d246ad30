// Processes that an earlier Understudy left and that fit no worker of ours. They are ended in the background, since one of
// them may hang in a driver, where nobody can end it. Until an orphan is gone, no worker is started in its place.
import type { Clock } from '../src/core/clock.js';
import type { TrafficPort, UpstreamIdentity } from '../src/core/traffic-port.js';
import { drainOut } from './drain-out.js';
import { isManaged, type StopOptions } from './options.js';
import { stopProcess } from './stop-ladder.js';
import type { WorkerRuntime } from './worker-runtime.js';
import type { Worker } from './worker.js';

export interface Orphan {
  readonly pid: number;
  readonly startTicks: number;
  /** The worker that it was, or what else is known of it. */
  readonly what: string;
  /** Where it listens; undefined when that is not known. */
  readonly port?: number;
  /** What traffic knew it as, if it was one of its upstreams: another process may still have requests in flight on it. */
  readonly upstream?: UpstreamIdentity;
}

export interface OrphansDeps {
  readonly runtime: WorkerRuntime;
  readonly clock: Clock;
  readonly traffic: TrafficPort;
  /** Asked anew for each orphan. */
  readonly stop: () => StopOptions;
  /** Aborting it cuts the graces short. */
  readonly hurry: AbortSignal;
  readonly onEnding: (orphan: Orphan) => void;
  /** It no longer blocks a worker. `left`: it could not be ended, and we have stopped waiting. */
  readonly onSettled: (orphan: Orphan, outcome: 'ended' | 'left') => void;
}

export class Orphans {
  readonly #deps: OrphansDeps;
  #orphans: readonly Orphan[] = [];
  #ended: Promise<unknown> = Promise.resolve();

  constructor(deps: OrphansDeps) {
    this.#deps = deps;
  }

  /** From here on they block the workers whose place they hold. None is ended yet. */
  note(orphans: readonly Orphan[]): void {
    this.#orphans = orphans;
  }

  /** Whether one of them was this worker, or has its port. */
  blocks({ id, number, backend }: Pick<Worker, 'id' | 'number' | 'backend'>): boolean {
    const own = isManaged(backend) && number === 1 ? backend.port : undefined;
    return this.#orphans.some(({ what, port }) => what === id || (port !== undefined && port === own));
  }

  /** Resolves once each is gone or given up, soon after its drain and its grace at the latest. Never rejects. */
  async end(): Promise<void> {
    this.#ended = Promise.all(this.#orphans.map((orphan) => this.#end(orphan)));
    await this.#ended;
  }

  /** Resolves once none is being ended. */
  async waitIdle(): Promise<void> {
    await this.#ended;
  }

  async #end(orphan: Orphan): Promise<void> {
    const { runtime, onEnding, onSettled } = this.#deps;
    onEnding(orphan);
    if (orphan.upstream !== undefined) await this.#drain(orphan.upstream);
    const ended = await this.#tryEnd(orphan);
    // The rest of its group may hold the port for some milliseconds more.
    if (ended) await runtime.remainsGone();
    this.#orphans = this.#orphans.filter((other) => other !== orphan);
    onSettled(orphan, ended ? 'ended' : 'left');
  }

  async #drain(upstream: UpstreamIdentity): Promise<void> {
    const { traffic, clock, stop, hurry } = this.#deps;
    await drainOut(upstream, { traffic, clock, stop: stop(), cut: hurry, hurry });
  }

  async #tryEnd({ pid, startTicks }: Orphan): Promise<boolean> {
    const { runtime, clock, stop, hurry } = this.#deps;
    const process = runtime.adopt({ pid, startTicks, logFile: '' });
    const ending = await stopProcess(process, { clock, graceMs: stop().graceMs, hurry });
    return ending !== 'refused' && ending !== 'undying';
  }
}
