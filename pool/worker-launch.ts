// Starts the process behind a worker: its port, its command, its place in the log. A backend that somebody else runs
// gets a stand-in for a process.
import { waitFor, type Clock } from '../src/core/clock.js';
import { launchKeyOf } from './launch-key.js';
import type { LaunchTurns } from './launch-turns.js';
import { isManaged } from './options.js';
import type { BackendOptions, ManagedBackendOptions, PoolOptions } from './options.js';
import type { UpstreamAddress } from '../src/core/traffic-port.js';
import { GIVE_UP_AFTER_MS } from './stop-ladder.js';
import { trySignal } from './try-signal.js';
import { createUnmanagedProcess } from './unmanaged-process.js';
import { portInUse } from './worker-failure.js';
import { addressOfUrl, launchSpecOf } from './worker-place.js';
import type { LaunchSpec, WorkerProcess, WorkerRuntime } from './worker-runtime.js';

export interface LaunchOrder {
  readonly id: string;
  readonly number: number;
  readonly backend: BackendOptions;
  readonly generation: number;
  readonly forks: number;
  readonly modeEnv: Readonly<Record<string, string>>;
  readonly options: PoolOptions;
  readonly runtime: WorkerRuntime;
  readonly clock: Clock;
  /** The pool's. */
  readonly turns: LaunchTurns;
  /** Of all workers of the pool. The port of a launched worker is added; whoever sees it end takes it out. */
  readonly portsInUse: Set<number>;
  /** Asked after each wait: nothing is launched for a worker that was stopped meanwhile. */
  isStillWanted(): boolean;
}

export interface Launched {
  readonly process: WorkerProcess;
  readonly address: UpstreamAddress;
  /** Undefined for a backend that is not ours. */
  readonly spec: LaunchSpec | undefined;
  /** What it was made of. */
  readonly key: string;
}

/**
 * Resolves with undefined when it was no longer wanted.
 * @throws UnderstudyError (operator) `port-in-use`, `no-free-ports`, `bad-backend-url`.
 */
export async function launchWorker(order: LaunchOrder): Promise<Launched | undefined> {
  const { backend, number, options } = order;
  const key = launchKeyOf(options, backend, number);
  if (!isManaged(backend)) {
    return { process: createUnmanagedProcess(), address: addressOfUrl(backend), spec: undefined, key };
  }
  const port = await choosePort(order, backend);
  if (!order.isStillWanted()) return undefined;
  order.portsInUse.add(port);
  const spec = launchSpecOf(options, backend, { ...order, port, key });
  let process: WorkerProcess | undefined;
  try {
    process = await order.turns.take(() => launchIfWanted(order, spec));
  } finally {
    if (process === undefined) order.portsInUse.delete(port);
  }
  return process && { process, address: { kind: 'tcp', host: backend.host, port }, spec, key };
}

/** Given up in the very moment of its launch, it is ended before anybody else takes its port. */
async function launchIfWanted(order: LaunchOrder, spec: LaunchSpec): Promise<WorkerProcess | undefined> {
  if (!order.isStillWanted()) return undefined;
  const process = await order.runtime.launch(spec);
  if (order.isStillWanted()) return process;
  await endAtOnce(process, order.clock);
  return undefined;
}

/**
 * Resolves once it is gone; at once where we may not signal it, and soon where the kernel can't end it: other launches wait
 * for this one's turn to end.
 */
export async function endAtOnce(process: WorkerProcess, clock: Clock): Promise<void> {
  const gone = new AbortController();
  process.onExit(() => gone.abort());
  if (trySignal(process, 'SIGKILL') !== 'refused')
    await waitFor(clock, GIVE_UP_AFTER_MS, gone.signal).catch(() => undefined);
}

/** Worker 1 has the backend's own port, further ones a free one. */
async function choosePort(order: LaunchOrder, { host, port }: ManagedBackendOptions): Promise<number> {
  if (order.number > 1) return order.runtime.findPort(host, { inUse: order.portsInUse });
  let holder = await order.runtime.portHolder(host, port);
  if (holder !== undefined) {
    // It may be what a worker of ours left in its group, which is just being ended.
    await order.runtime.remainsGone();
    holder = await order.runtime.portHolder(host, port);
  }
  if (holder !== undefined) throw portInUse(order.id, `port ${port} on ${host}`, holder);
  return port;
}
